"""Compare the answers of the new and the published model to rows that are new to both."""
