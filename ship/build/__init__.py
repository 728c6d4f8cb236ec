"""Bundles and images made by the pinned builder, from inputs that are hashed."""
