"""Bundles and images made by the pinned builder from hashed inputs, and what that takes."""
