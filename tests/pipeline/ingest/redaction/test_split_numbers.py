"""Numbers that are split over neighbours are masked; numbers that are only neighbours are left."""

from typing import Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.redactor import Redactor
from tests.pipeline.ingest.redactable_entries import kept, v1

PATTERNS: tuple[Literal["card", "email", "phone"], ...] = ("card", "email", "phone")
C, P = "[card]", "[phone]"


@pytest.mark.parametrize(
    ("split", "masked"),
    [
        (["4111", "1111", "1111", "1111"], [C] * 4),
        ([4111, 1111, 1111, 1111], [C] * 4),
        (["4111 1111", "1111-1111"], [C] * 2),
        (list("4111111111111111"), [C] * 16),
        (["411", "1111", "11111", "1111"], [C] * 4),
        (["3782", "822463", "10005"], [C] * 3),
        (["no", "4111", "1111", "1111", "1111", "2027"], ["no", C, C, C, C, "2027"]),
        ({"part1": "4111", "part2": "1111", "part3": "1111", "part4": "1111"}, {f"part{n}": C for n in range(1, 5)}),
        ({"a": "4111", "b": "1111", "x": "no", "c": "1111", "d": "1111"}, dict.fromkeys("abcd", C) | {"x": "no"}),
        ([{"v": "4111"}, {"v": "1111", "n": "no"}, {"v": "1111"}, {"v": "1111"}],
         [{"v": C}, {"v": C, "n": "no"}, {"v": C}, {"v": C}]),
        ([["4111"], ["1111"], [["1111"]], ["1111"]], [[C], [C], [[C]], [C]]),
        (["\N{FULLWIDTH DIGIT FOUR}111", "1111", "1111", "1111"], [C] * 4),
        (["415", "555", "2671"], [P] * 3),
        (["+44 20", "7946 0958"], [P] * 2),
        ({"n1": "415", "n2": "5552671"}, {"n1": P, "n2": P}),
    ],
)  # fmt: skip
def test_split_numbers_are_masked(split: Any, masked: Any) -> None:
    for text in (False, True):
        found = kept(v1(split=orjson.dumps(split).decode() if text else split), redact_patterns=PATTERNS)
        assert (orjson.loads(found["split"]) if text else found["split"]) == masked


@pytest.mark.parametrize(
    "split",
    [
        [2021, 2022, 2023, 2024, 2025, 2026],
        [2026, 11, 28],
        ["2026", "11", "28", "10", "30"],
        {"inputTokens": 2345, "outputTokens": 678, "latency": 912, "calls": 41, "cached": 4096},
        [0.91, 0.4111111111111111, 4.5],
        ["12", "a", "34"],
        [5, 4, 5, 3, 4, 5, 5, 4, 1, 2, 3, 4, 5, 5, 4, 3, 4, 5],
        ["4111", "1111", "1111", "1112"],
        [],
    ],
)
def test_parts_that_form_no_number_are_left(split: Any) -> None:
    assert kept(v1(split=split), redact_patterns=PATTERNS)["split"] == split


pieces = st.lists(
    st.sampled_from(["4111", "1111", "41", "11", "4", "1", "415", "555", "2671", "378282246310005", "x"])
    | st.integers(0, 9999),
    max_size=14,
)


@given(pieces | st.lists(pieces, max_size=4) | st.dictionaries(st.sampled_from(("a", "b1", "b2", "c")), pieces))
def test_redacted_again_it_is_the_same(split: Any) -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    once = redaction.redact_entry(orjson.dumps(v1(split=split)))
    assert redaction.redact_entry(once) == once


def test_whole_numbers_are_searched_in_any_notation() -> None:
    entry = orjson.dumps(v1())[:-1] + b',"n":[4.111111111111111e15,4111111111111111.00,-4111111111111111,"x"]}'
    found = orjson.loads(Redactor(Settings(redact_patterns=PATTERNS)).redact_entry(entry))
    assert found["n"] == [C, C, C, "x"]
