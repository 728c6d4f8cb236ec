"""What the new and the published model have in common, and how far they differ."""
