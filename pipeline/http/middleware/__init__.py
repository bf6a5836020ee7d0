"""Middlewares of every request: request context, metrics, audit log, CORS, trusted hosts."""
