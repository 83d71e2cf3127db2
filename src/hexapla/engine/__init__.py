"""The gateway itself: one request from a client's bytes to its answer and its record."""
