"""What all parts agree on: which models there are, what an input accepts, and the rooms below."""
