"""The HTTP server: its start and stop, and a protocol with bounds of size and time."""
