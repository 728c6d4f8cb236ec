"""From rows to scores: the model of a bundle, run and held against its golden examples."""
