"""What to run, as values: scenarios, links, faults, matrices, the catalogue."""
