"""What is the same for every request: metrics, audit, request id, CORS, trusted hosts."""
