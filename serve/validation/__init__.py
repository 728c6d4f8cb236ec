"""What a request may hold, as types that decode it, and why one was refused."""
