"""Feedback over HTTP: the true labels of predictions, read, joined, kept, and what they come to."""
