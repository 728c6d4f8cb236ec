"""The routes that answer predictions and probes, written for speed."""
