"""Repositories at an address, such as s3://bucket/models, and compiled versions at another."""
