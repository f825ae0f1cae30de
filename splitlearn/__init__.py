"""Split-learning training of GPT-2 across a network."""

import os

# Read by OpenMP when torch loads it: a waiting party must not spin on the cores that the busy one needs.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# Read by cuBLAS at its first use: without it deterministic matrix products are refused on accelerators.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
