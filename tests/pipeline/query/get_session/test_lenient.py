"""Archived payloads of any content are read without errors, and only what fits a type is kept."""

import json
import math
from typing import Annotated, Any, Literal

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET, Meta

from pipeline.query.get_session.lenient import MAX_DEPTH, LenientType, mapping, members, objects, text
from schemas.lex.session_v2 import (
    ActiveContexts,
    DialogAction,
    GetSessionResponse,
    Intent,
    Interpretations,
    Messages,
    RuntimeHints,
    Slot,
)
from tests.effort import examples

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES))
def test_what_was_written_is_read(value: dict[str, object]) -> None:
    found = members(json.dumps(value, ensure_ascii=False))
    assert set(found) == set(value)
    assert json.dumps(found) == json.dumps(value) or any(char.isdigit() for char in json.dumps(value))


@pytest.mark.parametrize(
    ("number", "read"),
    [("1e999", math.inf), ("-1e999", -math.inf), ("9" * 5000, math.inf), ("1" * 19, float("1" * 19)), ("12", 12)],
)
def test_a_number_of_any_size_harms_no_other_member(number: str, read: float) -> None:
    payload = f'{{"number": {number}, "slot": "x"}}'
    assert msgspec.json.decode(payload, type=dict[str, msgspec.Raw]), "the archive does hold such text"
    assert members(payload) == {"number": read, "slot": "x"}


@pytest.mark.parametrize(
    "payload", ["", "[]", "1", '"text"', "null", "{", '{"a":', "[" * 201, "[" * 100_000, '{"a":' * 100_000]
)
def test_what_is_no_object_or_too_deep_has_no_members(payload: str) -> None:
    assert members(payload) == {}


def test_odd_characters_are_read_and_halves_of_them_replaced() -> None:
    assert members('{"a": "\\u0000\\ud83d\\ude00\\ud800", "\\t": "\n"}') == {"a": "\x00\U0001f600\ufffd", "\t": "\n"}


@settings(deadline=None)
@given(VALUES)
def test_objects_are_found_in_anything(value: object) -> None:
    assert mapping(value) == (value if isinstance(value, dict) else {})
    assert objects(value) == ([each for each in value if isinstance(each, dict)] if isinstance(value, list) else [])


KINDS: list[Any] = [
    Slot, Intent, DialogAction, RuntimeHints, Messages, Interpretations, ActiveContexts, GetSessionResponse,
    dict[str, str],
]  # fmt: skip
WORDS = """
name slots value values subSlots interpretedValue state confirmationState Confirmed Scalar type Close shape City
slotToElicit timeToLive timeToLiveInSeconds turnsToLive contextAttributes contentType PlainText content messages
imageResponseCard title buttons text nluConfidence score sentimentResponse slotHints runtimeHintValues phrase
sessionState sessionId
"""
words = st.sampled_from(WORDS.split())
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | words | st.just(10**400)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(words | st.text(st.characters()), inner, max_size=6),
    max_leaves=40,
)


@given(st.sampled_from(KINDS), values)
@settings(deadline=None, max_examples=examples(500))
def test_of_anything_only_what_fits_is_left(kind: Any, value: object) -> None:
    """What is left can be written, and read strictly as what it is said to be."""
    fitted = LenientType(kind).convert(value)
    if fitted is not UNSET:
        written = orjson.dumps(msgspec.to_builtins(fitted))
        assert msgspec.json.decode(written, type=kind) == fitted


slot_values = st.fixed_dictionaries(
    {}, optional={name: st.text(min_size=1) for name in ("originalValue", "interpretedValue")}
)
slots = st.recursive(
    st.fixed_dictionaries({"value": slot_values}, optional={"shape": st.sampled_from(["Scalar", "List"])}),
    lambda inner: st.fixed_dictionaries(
        {}, optional={"values": st.lists(inner), "subSlots": st.dictionaries(words, st.none() | inner)}
    ),
    max_leaves=5,
)


@settings(deadline=None)
@given(st.fixed_dictionaries({"name": words, "slots": st.dictionaries(words, st.none() | slots, max_size=4)}))
def test_what_fits_is_left_as_it_is(value: object) -> None:
    assert LenientType(Intent).convert(value) == msgspec.convert(value, Intent)


class Point(msgspec.Struct, frozen=True, rename="camel"):
    long_name: Annotated[str, Meta(min_length=1)]
    size: int = 0
    share: float = 0.0
    colour: Literal["red", "blue"] | msgspec.UnsetType = UNSET
    marks: Annotated[tuple[str, ...], Meta(max_length=2)] = ()
    more: dict[str, str | None] = {}


POINT = LenientType(Point)


@pytest.mark.parametrize(
    ("value", "point"),
    [
        ({"longName": "a"}, Point("a")),
        ({"longName": "a", "size": None, "colour": None, "unknown": [1]}, Point("a")),
        ({"longName": "a", "size": "7", "share": "0.63"}, Point("a", 7, 0.63)),
        ({"longName": "a", "size": 7.9, "share": 1}, Point("a", 7, 1.0)),
        ({"longName": "a", "size": True, "share": "much"}, Point("a")),
        ({"longName": "a", "size": math.inf, "share": "nan"}, Point("a")),
        ({"longName": "a", "size": 2**53, "share": 10**400}, Point("a")),
        ({"longName": "a", "colour": "red", "marks": ["x", 1, "y", "z"]}, Point("a", 0, 0.0, "red", ("x", "y"))),
        ({"longName": "a", "colour": "green", "marks": "xyz"}, Point("a")),
        ({"longName": "a", "colour": ["red"]}, Point("a")),
        ({"longName": "a", "more": {"x": "1", "y": None, "z": 3, "\ud800": "4"}},
         Point("a", more={"x": "1", "y": None, "z": None})),
        ({"longName": ""}, UNSET), ({"longName": 1}, UNSET), ({"longName": "\ud800"}, UNSET), ({}, UNSET),
        ([], UNSET), (None, UNSET), ("a", UNSET),
    ],
)  # fmt: skip
def test_each_kind_of_member_is_read_leniently(value: object, point: object) -> None:
    assert POINT.convert(value) == point


def test_nesting_has_an_end() -> None:
    value: Any = {"value": {"interpretedValue": "deep"}}
    for _ in range(2000):
        value = {"values": [value]}
    fitted = LenientType(Slot).convert(value)
    depth = 0
    while isinstance(fitted, Slot) and fitted.values:
        (fitted,) = fitted.values
        depth += 1
    assert 0 < depth <= MAX_DEPTH // 2


@pytest.mark.parametrize(
    ("value", "read"), [("a", "a"), ("\U0001f600", "\U0001f600"), ("a\ud800", ""), (1, ""), (None, "")]
)
def test_text_is_what_can_be_written(value: object, read: str) -> None:
    assert text(value) == read
