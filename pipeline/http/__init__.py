"""Serve the query layer over HTTP with Lex's paths, JSON and errors: AWS's SDKs need another endpoint, no more."""
