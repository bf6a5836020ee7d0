"""Who asks, and what they may see: access keys, signatures, bearer tokens, rates."""
