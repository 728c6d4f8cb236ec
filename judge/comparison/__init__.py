"""Compare the answers of two models to the same rows: statistics, drift, changed predictions."""
