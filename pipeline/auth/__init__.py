"""Authenticate requests and limit their rate: access keys, signatures, bearer tokens."""
