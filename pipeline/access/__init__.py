"""Requests and keys in; who asks, and what they may see, out."""
