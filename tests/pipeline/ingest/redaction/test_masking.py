"""Values are masked at their place and in other texts, in any case and grouping; meaningless values stay."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.redaction.lossless_json import Number
from pipeline.ingest.redaction.masking import (
    MASK,
    MAX_VALUES,
    MaskedValues,
    NestedJson,
    RedactionState,
    child_objects,
    drop,
    mask,
)


def masked(value: Any, least: int = 0) -> tuple[Any, RedactionState]:
    holder, found = {"Pin": value}, RedactionState(())
    mask(holder, "Pin", found, "slots.Pin", least)
    return holder["Pin"], found


@pytest.mark.parametrize(
    ("value", "left"),
    [
        ("1234", MASK),
        (Number("1234"), MASK),
        (True, MASK),
        ({"a": ["x", {"b": Number("1")}], "c": None}, {"a": [MASK, {"b": MASK}], "c": None}),
        ({"shape": "List", "values": [{"shape": "Scalar"}]}, {"shape": "List", "values": [{"shape": "Scalar"}]}),
        ({"shape": "secret"}, {"shape": MASK}),
        ({"subSlots": {"Street": "{Street}", "City": "{Street}!"}}, {"subSlots": {"Street": "{Street}", "City": MASK}}),
        ("{Pin}", "{Pin}"),
        ("{Pin", MASK),
        ("{Other}", MASK),
        ("{", MASK),
        ("", ""),
        (None, None),
        (MASK, MASK),
        ([], []),
    ],
)
def test_all_that_tells_something_is_masked(value: Any, left: Any) -> None:
    before = repr(value)
    found = masked(value)
    assert found[0] == left
    assert found[1].marks == ({"slots.Pin"} if repr(left) != before else set())
    assert not found[1].values


def test_values_of_some_length_are_noted() -> None:
    for least, noted in ((1, True), (4, True), (5, False), (0, False)):
        assert bool(masked("1234", least)[1].values) == noted
    assert masked(Number("1234"), 1)[1].values.masked("is 1234", set()) == f"is {MASK}"
    assert not masked("{Other}", 1)[1].values


def test_a_member_is_dropped_whatever_it_holds() -> None:
    holder, found = {"inputTranscript": {"a": 1}, "x": 1}, RedactionState(())
    drop(holder, "inputTranscript", found)
    assert holder == {"x": 1}
    assert found.marks == {"inputTranscript"}


def test_objects_are_found_and_all_else_is_masked() -> None:
    found = RedactionState(())
    part = NestedJson("", {"d": 4}, b"", {}, found)
    holder = {"one": {"a": 1}, "some": [{"b": 2}, "said", ["said"], None], "text": "said", "none": None, "part": part}
    assert [each for name in holder for each in child_objects(holder, name, found)] == [{"a": 1}, {"b": 2}, {"d": 4}]
    assert (holder["some"], holder["text"], holder["none"]) == ([{"b": 2}, MASK, [MASK], None], MASK, None)
    assert found.marks == {"some", "text"}


def masked_text(text: str, *values: str) -> str:
    sought = MaskedValues()
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
    assert masked_text(text, *values) == kept


def test_a_text_with_letters_that_grow_in_lower_case_is_masked_as_a_whole() -> None:
    dotted = "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
    assert masked_text(f"{dotted}stanbul, Main Street", "main street") == MASK
    assert masked_text(f"{dotted}stanbul, Main Street", "side street") == f"{dotted}stanbul, Main Street"


def test_of_too_many_values_any_may_be_in_any_text() -> None:
    many = [f"value {n}" for n in range(MAX_VALUES + 1)]
    sought, marks = MaskedValues(), set[str]()
    for value in many[1:]:
        sought.add(value, "slots.X")
    assert sought.masked("nothing of it, value 7", marks) == f"nothing of it, {MASK}"
    sought.add(many[0], "slots.X")
    assert sought.masked("nothing of it", marks) == MASK
    assert marks == {"slots.X", "values"}


@given(st.text(min_size=4, max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_value_is_left(value: str, before: str, after: str) -> None:
    stripped = value.strip().lower()
    found = masked_text(before + value + after, value)
    assert len(stripped) < 4 or stripped in MASK or stripped not in found.lower().replace(MASK, "\0")
