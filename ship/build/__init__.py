"""Build the bundle and image of a model with BuildKit, from inputs whose hash is known."""
