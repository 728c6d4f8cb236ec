"""The stages from training to publishing, and what jobs hand on to each other."""
