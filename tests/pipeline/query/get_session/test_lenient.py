import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.query.get_session.lenient import mapping, members, objects

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


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


@given(VALUES)
def test_objects_are_found_in_anything(value: object) -> None:
    assert mapping(value) == (value if isinstance(value, dict) else {})
    assert objects(value) == ([each for each in value if isinstance(each, dict)] if isinstance(value, list) else [])
