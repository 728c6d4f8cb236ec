"""Read untrusted files within limits, check their digests, and replace files as a whole."""
