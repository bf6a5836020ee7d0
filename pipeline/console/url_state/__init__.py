"""The state of a view, which its URL holds: time span, filters, zone."""
