"""From a source to typed rows: fetched, parsed and split."""
