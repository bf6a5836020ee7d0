"""The four metrics operations: count the items of a window, in groups and bins."""
