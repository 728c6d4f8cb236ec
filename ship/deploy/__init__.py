"""Deploy a published digest to a target: verify it, roll it out, watch it, go back if need be."""
