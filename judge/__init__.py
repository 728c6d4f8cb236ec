"""Is a model better than the published one? Bundle + baseline bundle → verdict and report."""
