"""Compare a model, and its image, with the published one."""
