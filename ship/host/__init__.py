"""Use this machine: its environment, images within limits, waiting, progress and tables."""
