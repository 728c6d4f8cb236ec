"""The routes of predictions, probes and metadata, written for speed."""
