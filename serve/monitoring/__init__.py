"""What a running server says of itself: metrics, log lines, drift."""
