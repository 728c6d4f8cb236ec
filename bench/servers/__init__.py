"""What our server is measured against: the limits, a tutorial's server, and other projects'."""
