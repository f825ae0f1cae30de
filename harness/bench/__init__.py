"""Benchmarks: two ways of doing the same work are timed in turn, and their ratio is the result."""
