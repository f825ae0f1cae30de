"""Commands of `harness` that have no package of their own."""
