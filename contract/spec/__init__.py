"""Read and check model.toml: inputs, data, split, gate."""
