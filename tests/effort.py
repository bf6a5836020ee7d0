"""How much is tested: a share in `make test`, and everything in `make search`, which CI runs too."""

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TypeVar

import pytest

Item = TypeVar("Item")

SEARCHING = bool(os.environ.get("SEARCH"))
"""True in `make search`."""

SHARE = 4
"""`make test` draws one example of so many."""

OF_ENGINE = 16
"""The same, where each example asks ClickHouse, which takes most of the CPU of all tests."""

CASES = 3
"""`make test` runs one of so many cases of a test that needs a service."""

LEAST = 3
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


def share_cases(items: Iterable[pytest.Item]) -> None:
    """Mark all but one of CASES cases of each test with parameters, so that only `make search` runs them.

    With several parameters the remaining cases have each value of each parameter, as a Latin square does.
    """
    families: defaultdict[tuple[str, object], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if hasattr(item, "callspec") and not is_only_in_search(item):
            families[item.nodeid.partition("[")[0], item.callspec.params.get("kafka_kind")].append(item)
    for family in families.values():
        values: defaultdict[int, dict[str, int]] = defaultdict(dict)
        places = [
            sum(values[number].setdefault(name, len(values[number])) for number, name in enumerate(_names(item)))
            for item in family
        ]
        for place, item in zip(places, family, strict=True):
            if place % CASES:
                item.add_marker(IN_SEARCH)


def _names(item: pytest.Item) -> Sequence[str]:
    """Return the names of the case's values, one for each parameter."""
    names: Sequence[str] = getattr(item, "callspec")._idlist  # noqa: B009 - not all items have one
    return names


def is_only_in_search(item: pytest.Item) -> bool:
    """Return whether `make test` leaves the test to `make search`."""
    return any(mark.kwargs.get("only") for mark in item.iter_markers("search"))
