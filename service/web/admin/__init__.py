"""Changing what is served, over HTTP."""
