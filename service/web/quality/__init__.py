"""Receipts of predictions: what a worker adds to its answers so that labels can be joined later."""
