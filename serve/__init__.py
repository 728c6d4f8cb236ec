"""Serve a bundle: as an HTTP service, and as a bulk scorer."""
