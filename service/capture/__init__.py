"""Inputs of predictions that are kept for retraining, as Parquet beside the database."""
