"""From a model folder to a tested image in a registry: what `make` and the workflows run."""
