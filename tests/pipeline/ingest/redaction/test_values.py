"""What was masked in one place is found in the texts, whatever its case and however its figures are grouped."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.redaction.values import MASK, MOST, Values


def masked(text: str, *values: str) -> str:
    sought = Values()
    for value in values:
        sought.add(value, "slots.X")
    marks: set[str] = set()
    found = sought.masked(text, marks)
    assert marks == ({"slots.X"} if found != text else set())
    return found


@pytest.mark.parametrize(
    ("text", "values", "kept"),
    [
        ("to Paris, please", ["Paris"], f"to {MASK}, please"),
        ("PARIS or paris", ["Paris"], f"{MASK} or {MASK}"),
        ("Parisian", ["Paris"], f"{MASK}ian"),
        ("New York City or York", ["York", "New York City"], f"{MASK} or {MASK}"),
        ("2 rooms in 2026, room 12, $2.50", ["2"], f"{MASK} rooms in 2026, room 12, ${MASK}.50"),
        ("no, nothing now", ["No"], f"{MASK}, nothing now"),
        ("東京に行く", ["東京"], f"{MASK}に行く"),
        ("my number is (415) 555-0100.", ["4155550100"], f"my number is ({MASK}."),
        ("41555501001", ["4155550100"], f"{MASK}1"),
        ("4-15555-01001", ["4155550100"], "4-15555-01001"),
        ("pin 12 34", ["1234"], "pin 12 34"),
        ("redacted", ["redacted"], MASK),
        (f"{MASK} redacted", ["redacted"], f"{MASK} {MASK}"),
        (f"{MASK}", ["redacted", MASK], MASK),
        ("nothing of it", ["Paris", "", "  "], "nothing of it"),
    ],
)
def test_values_are_masked_in_texts(text: str, values: list[str], kept: str) -> None:
    assert masked(text, *values) == kept


def test_a_text_with_letters_that_grow_in_lower_case_is_masked_as_a_whole() -> None:
    dotted = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
    assert masked(f"{dotted}stanbul, Main Street", "main street") == MASK
    assert masked(f"{dotted}stanbul, Main Street", "side street") == f"{dotted}stanbul, Main Street"


def test_of_too_many_values_any_may_be_in_any_text() -> None:
    many = [f"value {n}" for n in range(MOST + 1)]
    sought, marks = Values(), set[str]()
    for value in many[1:]:
        sought.add(value, "slots.X")
    assert sought.masked("nothing of it, value 7", marks) == f"nothing of it, {MASK}"
    sought.add(many[0], "slots.X")
    assert sought.masked("nothing of it", marks) == MASK
    assert marks == {"slots.X", "values"}


@given(st.text(min_size=4, max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_value_is_left(value: str, before: str, after: str) -> None:
    stripped = value.strip().lower()
    found = masked(before + value + after, value)
    assert len(stripped) < 4 or stripped in MASK or stripped not in found.lower().replace(MASK, "\0")
