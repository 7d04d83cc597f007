"""Data files from outside, read with bounds into arrays that a model can learn from."""
