"""How much is tested: a share in `make test`, and everything in `make search`, which CI runs too."""

import os
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest

Item = TypeVar("Item")

SEARCHING = bool(os.environ.get("SEARCH"))
"""True in `make search`."""

SHARE = 4
"""`make test` draws one example of so many."""

OF_ENGINE = 12
"""The same, where each example asks ClickHouse, which takes most of the CPU of all tests."""

LEAST = 5
"""Examples that are drawn in any case."""

IN_SEARCH = pytest.mark.search(only=True)
"""Marks a test, or one of its parameters, that repeats others with more data or on another broker: `make test` leaves
it out."""


def examples(every: int, share: int = SHARE) -> int:
    """Return how many of these examples, rows or conversations to test with in this run: all, or one of `share`."""
    return every if SEARCHING else min(every, max(every // share, LEAST))


def drawn(every: Sequence[Item], share: int = SHARE) -> Sequence[Item]:
    """Return the cases to test in this run: all, or each of `share`."""
    return every if SEARCHING else every[::share]


def sweep(every: Iterable[object], share: int = 2) -> list[object]:
    """Return the values of a parameter, most of which only `make search` tests: all but one of `share`."""
    return [pytest.param(one, marks=IN_SEARCH) if place % share else one for place, one in enumerate(every)]


def is_left_out(item: pytest.Item) -> bool:
    """Return whether this run leaves the test to `make search`."""
    return not SEARCHING and any(mark.kwargs.get("only") for mark in item.iter_markers("search"))
