"""Render a report for machines, for a pull request and for a browser, and the model card."""
