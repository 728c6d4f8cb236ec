"""Run the model of a bundle: rows in, scores out, checked by the golden examples."""
