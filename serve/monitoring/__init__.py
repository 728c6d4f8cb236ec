"""What a running server reports about itself: metrics, log lines, drift."""
