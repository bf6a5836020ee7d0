"""What stands at a place is masked to its last text, or gone; what tells nothing stays."""

from typing import Any

import pytest

from pipeline.ingest.redaction.lossless_json import Number
from pipeline.ingest.redaction.masking import MaskedSpan, TextPart, drop, mask, objects
from pipeline.ingest.redaction.values import MASK


def masked(value: Any, least: int = 0) -> tuple[Any, MaskedSpan]:
    holder, found = {"Pin": value}, MaskedSpan(())
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
    holder, found = {"inputTranscript": {"a": 1}, "x": 1}, MaskedSpan(())
    drop(holder, "inputTranscript", found)
    assert holder == {"x": 1}
    assert found.marks == {"inputTranscript"}


def test_objects_are_found_and_all_else_is_masked() -> None:
    found = MaskedSpan(())
    part = TextPart("", {"d": 4}, b"", {}, found)
    holder = {"one": {"a": 1}, "some": [{"b": 2}, "said", ["said"], None], "text": "said", "none": None, "part": part}
    assert [each for name in holder for each in objects(holder, name, found)] == [{"a": 1}, {"b": 2}, {"d": 4}]
    assert (holder["some"], holder["text"], holder["none"]) == ([{"b": 2}, MASK, [MASK], None], MASK, None)
    assert found.marks == {"some", "text"}
