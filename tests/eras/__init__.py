"""Model files that the engines of each era wrote, and what those engines answered."""
