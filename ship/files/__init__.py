"""Files that a stranger may have made: read within bounds, hashed, replaced at once."""
