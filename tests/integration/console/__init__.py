"""The console of a running stack, looked at with a browser."""
