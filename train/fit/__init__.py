"""The estimator of a model folder, fitted and questioned."""
