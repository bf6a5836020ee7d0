"""Commands that ask the query layer about conversations."""
