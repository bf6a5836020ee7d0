"""Fold turn events into conversations, with pure functions and a bounded cache."""
