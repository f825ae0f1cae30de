"""The mutants, one file for each family of bugs; every module registers its own."""
