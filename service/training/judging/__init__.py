"""Candidate and champion on the same rows, and what the gate says of them."""
