"""Scan, sign and verify images, and record what each has passed."""
