"""The FastAPI application around the fast routes: pages, documentation, metadata."""
