"""Geometry of the console's pictures; templates draw them as SVG. Their units are those of the view box."""
