"""Batch predictions: files in, files out, in constant memory."""
