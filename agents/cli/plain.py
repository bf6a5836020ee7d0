"""Make text that comes from outside fit for a line of its own on a terminal."""

from pipeline.runtime.printable import printable as plain

__all__ = ["plain"]
