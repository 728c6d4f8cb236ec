"""Rows of a model: downloaded, parsed, typed, and split into training and holdout rows."""
