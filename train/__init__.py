"""Model folder to bundle: load, split, fit, evaluate, gate, export, write."""
