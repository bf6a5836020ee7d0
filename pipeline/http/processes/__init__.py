"""Answer on one port by several processes, which share limits and metrics."""
