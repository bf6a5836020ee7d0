"""Unwrap log entries layer by layer, within one budget for each message."""
