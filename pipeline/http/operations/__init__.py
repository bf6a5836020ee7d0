"""One file an operation, and what they share."""
