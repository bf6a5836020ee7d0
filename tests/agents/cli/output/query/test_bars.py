"""Bars are as long as their values, compared with the greatest."""

import io
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cli.output.query.bars import EIGHTHS, WIDTH, bar, percent
from tests.effort import examples


def eighths(text: str) -> int:
    return sum(EIGHTHS.index(character) for character in text)


@settings(max_examples=examples(300), deadline=None)
@given(st.floats(0, 1e9), st.floats(0, 1e9))
def test_a_bar_is_as_long_as_its_share_and_never_longer_than_the_greatest(one: float, two: float) -> None:
    less, greatest = sorted((one, two))
    drawn = bar(less, greatest).plain
    assert len(drawn) <= WIDTH
    assert bool(drawn) == (less > 0 and less / greatest > 0)
    if drawn:
        assert abs(eighths(drawn) - less / greatest * WIDTH * 8) <= 1


def test_an_encoding_without_blocks_gets_plain_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "ascii"))
    assert [bar(value, 20).plain for value in (0, 0.1, 5, 20)] == ["", "#", "#" * 5, "#" * 20]


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (0, 5, "0%"),
        (1, 3, "33%"),
        (5, 5, "100%"),
        (1, 250, "0.4%"),
        (99.4, 1000, "9.9%"),
        (99.6, 1000, "10%"),
        (1, 0, ""),
    ],
)
def test_small_shares_have_a_decimal(part: float, whole: float, text: str) -> None:
    assert percent(part, whole) == text
