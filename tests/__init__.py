"""The tests: the same tree as service/, the same names."""
