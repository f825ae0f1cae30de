"""HTML reports of recorded runs.

`folder.read_run` reads what a run left behind, `page.write_report` turns it into one self-contained file.
"""
