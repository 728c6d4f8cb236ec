"""From a published digest to a running, watched, reversible service: see README.md."""
