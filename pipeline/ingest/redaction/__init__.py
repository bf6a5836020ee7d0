"""Mask or drop what must not be stored: members by name, and texts by pattern."""
