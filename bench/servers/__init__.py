"""What the server is measured against: the limits of the field, the tutorial, and its peers."""
