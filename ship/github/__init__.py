"""What the workflows ask of GitHub's API; it needs nothing but Python's standard library."""
