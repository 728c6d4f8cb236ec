"""Train a model: from its folder to a bundle (load, split, fit, evaluate, gate, export, write)."""
