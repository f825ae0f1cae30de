"""The programs of a run: how they are started, warmed and ended."""
