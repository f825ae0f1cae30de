"""The judge: single-process training and the comparison with it."""
