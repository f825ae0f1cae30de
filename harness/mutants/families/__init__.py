"""The mutants, with one module per family of bugs; importing a module registers its mutants."""
