"""Shapes, weights and calls of a model, computed from its configuration alone."""
