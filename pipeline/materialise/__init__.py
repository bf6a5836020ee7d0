"""Fold batches and write rows and archive as one of several writers; PROTOCOL.md describes how these agree."""
