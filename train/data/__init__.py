"""Fetch the rows of a model from their source, parse, type and split them."""
