"""Judge a model by its gate and the published model: two bundles in, verdict and report out."""
