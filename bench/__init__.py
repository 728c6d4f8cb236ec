"""How fast the server is, as ratios to what is possible and to what others do: make bench."""
