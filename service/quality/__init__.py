"""How often a version is right: receipts, feedback, scores."""
