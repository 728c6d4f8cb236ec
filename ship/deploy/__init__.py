"""Deploy a published digest: verify it, roll it out, watch it, and go back if need be."""
