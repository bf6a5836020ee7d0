"""What log entries come wrapped in: opened layer by layer, within one budget a message."""
