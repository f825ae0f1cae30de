"""Property-based tests: trainings drawn by Hypothesis, and a property that every one of them must have."""
