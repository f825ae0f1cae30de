"""Runs the real client and trunk through Toxiproxy and judges them against one process."""
