"""Tables of any size read in chunks and written again: Parquet, CSV, NDJSON."""
