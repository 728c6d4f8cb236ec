"""The HTTP server: workers, limits on what a client may send, and a clean stop."""
