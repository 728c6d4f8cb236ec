"""Signatures, scans, bills of materials, and whether they are those of an image."""
