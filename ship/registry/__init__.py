"""Images where they are kept: registries, layouts and archives, by tag and digest."""
