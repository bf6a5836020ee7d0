"""Milliseconds since 1970-01-01 UTC in; the instant as ISO 8601 writes it out."""

from datetime import UTC, datetime


def iso(milliseconds: int) -> str:
    """The instant in UTC, such as 2026-01-01T00:00:00.000Z."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
