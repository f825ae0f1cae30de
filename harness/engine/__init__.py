"""Runs a plan on real processes."""
