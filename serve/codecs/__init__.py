"""The HTTP protocols of predictions: how each reads a request and writes an answer."""
