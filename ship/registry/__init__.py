"""Registries, OCI layouts and archives: images by tag and digest, wherever they are kept."""
