"""What the workflows ask of GitHub's API: nothing here needs anything installed."""
