"""Read and check model.toml: the kinds of columns, the data, the split, the gate."""
