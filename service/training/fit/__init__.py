"""The fit: batches, callbacks, and backups that a later attempt goes on from."""
