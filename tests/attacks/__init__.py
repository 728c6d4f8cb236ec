"""Each attack of the table in SECURITY.md, by its number there."""
