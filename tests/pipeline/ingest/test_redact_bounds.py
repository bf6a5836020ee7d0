"""Whatever a text is made of, redaction takes as long for each of its bytes however many there are."""

import time
from typing import Literal

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.redactor import Redactor
from tests.pipeline.ingest.planted import v1

SMALL, TIMES = 3_000, 8
MUCH = 3 * TIMES
"""Eight times the text may take three times what it should, as machines differ; of a square it would be 64."""

PATTERNS: tuple[Literal["card", "email", "phone"], ...] = ("card", "email", "phone")
HOSTILE = [
    "1/", "2/", "0/3/0/9/", "4", "4111111111111112 ", "41111111111111115500000000000004", "@", "a@", "a@b", "+", "+1",
    "+1415", ".", "a.", "-", "(", '"', "%", "%34", "&", "&#49;", "&#", "\\u0031", "\\", " ", "dot ", "a at b dot ",
    "(at)", "\N{ARABIC-INDIC DIGIT FOUR} ", "\N{SOFT HYPHEN}", "1\N{SOFT HYPHEN}", "20260314", "2026-03-14 ", "1     ",
    "12345678-1234-4111-8111-111111111111", "[card]", "[redacted]", "{", "[", "x", "415 555 2671 ",
]  # fmt: skip


def seconds(redaction: Redactor, entry: bytes) -> float:
    """Of the processor's time: the lesser of two."""
    found = []
    for _ in range(2):
        began = time.process_time()
        redaction.entry(entry)
        found.append(time.process_time() - began)
    return min(found)


def ratio(redaction: Redactor, small: bytes, large: bytes) -> float:
    return seconds(redaction, large) / max(seconds(redaction, small), 0.0005)


@pytest.mark.parametrize("unit", HOSTILE)
def test_a_text_takes_as_long_as_it_is(unit: str) -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = ((unit * size)[:size] for size in (SMALL, TIMES * SMALL))
    assert ratio(redaction, *(orjson.dumps(v1(inputTranscript=text)) for text in (small, large))) < MUCH


@pytest.mark.parametrize(
    "item", ["4", "4111", 4, 4111, "415", "x", {"v": "4111"}, {"part1": "41", "part2": "11"}, ["4"]]
)
def test_many_items_take_as_long_as_there_are(item: object) -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = (orjson.dumps(v1(items=[item] * count)) for count in (SMALL // 10, TIMES * SMALL // 10))
    assert ratio(redaction, small, large) < MUCH


@pytest.mark.parametrize("value", ["a", "ab", "abcd", "12345", "1 2 3 4", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"])
def test_a_value_is_looked_for_as_long_as_the_text_is(value: str) -> None:
    redaction = Redactor(Settings(redact_slots=("*",)))
    small, large = (
        orjson.dumps(v1(slots={"Pin": value}, inputTranscript=f"{value} " * (size // len(value))))
        for size in (SMALL, TIMES * SMALL)
    )
    assert ratio(redaction, small, large) < MUCH


def test_names_take_as_long_as_they_are() -> None:
    redaction = Redactor(Settings(redact_patterns=PATTERNS))
    small, large = (
        orjson.dumps(v1(names={f"ann{n}@example.com": n for n in range(count)} | {"1/" * count: 1}))
        for count in (SMALL // 10, TIMES * SMALL // 10)
    )
    assert ratio(redaction, small, large) < MUCH
