"""Stacked columns over time: one column a bin, one block for each end state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

WIDTH, HEIGHT = 1000, 200
GAP = 0.2
"""Share of a column's width that stays empty beside it, where there is room."""
MAX_WITH_GAP = 120
"""Columns beyond which there is no room between them."""
STEP = {"OneHour": 3_600, "OneDay": 86_400}
STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a column."""

    state: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class BinColumn:
    """A bin: when it begins, its number for each state, and its blocks from the bottom up."""

    start: int
    label: str
    counts: Mapping[str, int]
    x: float
    width: float
    blocks: tuple[Block, ...]

    @property
    def total(self) -> int:
        """Return the sum of all states."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Timeline:
    """The picture: its columns, the number at the top of its axis, and what the columns have at all."""

    columns: tuple[BinColumn, ...]
    top: float
    interval: str
    first: str
    last: str


def timeline(
    counts: Mapping[int, Mapping[str, int]], states: Sequence[str], interval: str, span: tuple[int, int], zone: ZoneInfo
) -> Timeline:
    """Draw the columns of all bins of a span, those without a conversation included.

    Args:
        counts: begin of a bin (epoch second) -> state -> number.
        states: states in the order in which their blocks are stacked.
        interval: OneHour or OneDay.
        span: first and last second.
        zone: the reader's time zone, for labels of hours. Days are those of UTC, as the API counts them.
    """
    step = STEP[interval]
    starts = list(range(span[0] // step * step, span[1], step))
    top = nice_top(max((sum(each.values()) for each in counts.values()), default=0))
    width = WIDTH / max(1, len(starts))
    gap = width * GAP if len(starts) <= MAX_WITH_GAP else 0
    columns = tuple(
        BinColumn(
            start,
            label(start, interval, zone),
            counts.get(start, {}),
            round(number * width + gap / 2, 2),
            round(width - gap, 2),
            _blocks(counts.get(start, {}), states, top),
        )
        for number, start in enumerate(starts)
    )
    return Timeline(columns, top, interval, columns[0].label if columns else "", columns[-1].label if columns else "")


def label(start: int, interval: str, zone: ZoneInfo) -> str:
    """Name a bin: a day in UTC, or an hour in the reader's zone."""
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    if interval == "OneDay":
        return f"{utc:%a} {utc.day} {utc:%b}"
    local = utc.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b} {local:%H:%M}"


def _blocks(counts: Mapping[str, int], states: Sequence[str], top: float) -> tuple[Block, ...]:
    blocks, below = [], 0
    for state in states:
        if number := counts.get(state, 0):
            height = number / top * HEIGHT
            below += number
            blocks.append(Block(state, round(HEIGHT - below / top * HEIGHT, 2), round(height, 2)))
    return tuple(blocks)


def nice_top(greatest: float) -> float:
    """Return the least round number that is not below `greatest`, at least 1: one of STEPS times a power of ten."""
    power = 1.0
    while power * 10 < greatest:
        power *= 10
    return max(1.0, next(step * power for step in STEPS if step * power >= greatest))
