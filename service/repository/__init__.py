"""The folder of versions: what lies in it, what its states are, which version should be served."""
