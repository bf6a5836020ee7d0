"""Helpers that every package may use: errors, clock, retries, sockets, TLS, and safe handling of foreign text."""
