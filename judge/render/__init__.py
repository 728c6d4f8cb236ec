"""One report in three forms: for machines, for a pull request, for a browser."""
