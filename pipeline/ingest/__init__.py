"""Decode and redact raw input in any accepted form: turn events, or dead letters for what cannot be read."""
