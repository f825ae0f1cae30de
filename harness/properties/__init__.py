"""Properties: trainings drawn by Hypothesis, and what must hold of each of them."""
