"""Captured inputs: written by workers, read for retraining, kept within bounds."""
