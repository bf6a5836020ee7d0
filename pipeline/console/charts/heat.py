"""A heat map: the hours of the day, by weekday, in a time zone."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LEVELS = 5
"""Shades above none."""


@dataclass(frozen=True, slots=True)
class HeatCell:
    """An hour of a weekday: its number, and its shade from 0 (nothing) to LEVELS (the most)."""

    weekday: str
    hour: int
    count: int
    level: int


def heat_map(counts: Mapping[int, int], zone: ZoneInfo) -> list[list[HeatCell]]:
    """Return seven rows of 24 cells, from Monday on.

    Args:
        counts: begin of an hour (epoch second) -> number.
        zone: the time zone of weekdays and hours. Where it is not whole hours from UTC, an hour counts where it begins.
    """
    totals = [[0] * 24 for _ in WEEKDAYS]
    for start, count in counts.items():
        local = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)).astimezone(zone)
        totals[local.weekday()][local.hour] += count
    most = max(map(max, totals))
    return [
        [HeatCell(name, hour, count, _level(count, most)) for hour, count in enumerate(row)]
        for name, row in zip(WEEKDAYS, totals, strict=True)
    ]


def _level(count: int, most: int) -> int:
    """Return the shade, by the square root: one busy hour must not make all others look the same."""
    return math.ceil(LEVELS * math.sqrt(count / most)) if most else 0
