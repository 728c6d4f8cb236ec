"""Score many rows from a stream: CSV, JSON Lines or Parquet in, the same with answers out."""
