"""The one process that watches the repository and has versions inspected and compiled."""
