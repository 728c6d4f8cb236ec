"""What a model.toml says, checked: inputs, data, split, gate."""
