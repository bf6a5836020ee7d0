"""Comparisons of what there are two of."""

import re
from typing import Any

import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import COMPARE, insert
from tests.pipeline.query.rows import NOW, conversation

VISITED: dict[str, Any] = {"visit_intents": ("BookHotel",), "visit_levels": (1,), "visit_states": ("Success",)}


@pytest.fixture
def filled(site: TestClient, with_tables: Settings) -> TestClient:
    rows = [
        conversation(n, bot_version=version, start=NOW - 90_000, end=NOW - 60_000, **VISITED)
        for n, version in enumerate("9" * 3 + "8" * 2 + "7")
    ]
    insert(with_tables, rows=[*rows, conversation(9, start=NOW - 10 * 86_400_000, end=NOW - 9 * 86_400_000)])
    return site


def sides(site: TestClient, query: str) -> list[tuple[str, str]]:
    """Name and number of conversations of both sides."""
    text = site.get(f"{COMPARE}?{query}").text
    names = re.findall(r'<a href="overview[^"]*">([^<]*)</a>', text)
    row = text.partition('<th scope="row">conversations</th>')[2]
    return list(zip(names, re.findall(r'data-statistic="Sum">(\d+)<', row)[:2], strict=True))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [("8", "2"), ("9", "3")]),
        ("by=BotVersion&a=7&b=9", [("7", "1"), ("9", "3")]),
        ("by=BotVersion&a=9&b=nothing", [("9", "3"), ("8", "2")]),
        ("by=span", [("the span before", "1"), ("the span", "6")]),
        ("by=nothing", [("8", "2"), ("9", "3")]),
    ],
)
def test_sides_are_those_of_the_address_or_the_last_two(
    filled: TestClient, query: str, expected: list[tuple[str, str]]
) -> None:
    assert sides(filled, query) == expected


def test_intents_are_paired(filled: TestClient) -> None:
    text = filled.get(f"{COMPARE}?part=intents").text
    assert re.findall(r'<tr [^>]*data-intent="([^"]*)"', text) == ["BookHotel"]
    assert re.findall(r'data-statistic="Sum">(\d+)<', text) == ["2", "3"]


def test_one_alone_is_not_compared(filled: TestClient) -> None:
    text = filled.get(f"{COMPARE}?by=LocaleId").text
    assert "There are no two locales to compare" in text
