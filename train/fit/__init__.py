"""Build the estimator of a model folder, fit it, and score its answers."""
