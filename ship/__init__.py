"""Model folder → tested image → registry: what `make pipeline` and the workflows run."""
