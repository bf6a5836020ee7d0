"""JSON is written as it was read: every number with its own digits, every name in its place."""

import json

import orjson
import pytest
from hypothesis import given

from pipeline.ingest.redaction.lossless_json import (
    DuplicateMemberError,
    dumps,
    loads,
    loads_strictly,
    text_of,
    whole_number_digits,
)
from tests.pipeline.ingest.generated_entries import anything


@given(anything)
def test_written_again_it_says_the_same(value: object) -> None:
    text = json.dumps(value)
    assert json.loads(dumps(loads(text))) == value
    assert dumps(loads(dumps(loads(text)).decode())) == dumps(loads(text))


@pytest.mark.parametrize("number", ["1e999", "1.10", "12345678901234567890123456789", "-0", "0.1000", "9" * 5000])
def test_numbers_keep_their_digits(number: str) -> None:
    text = f'{{"n":{number}}}'
    value = loads(text)
    assert dumps(value) == text.encode()
    assert text_of(value["n"]) == number


def test_of_two_members_of_one_name_the_last_is_read_or_none() -> None:
    text = '{"a":{"b":1,"b":2},"a":3}'
    assert dumps(loads(text)) == b'{"a":3}'
    with pytest.raises(DuplicateMemberError):
        loads_strictly(text)


@pytest.mark.parametrize("text", ["", "{", "{}}", "\ufeff{}", "{'a':1}"])
def test_invalid_json_is_refused(text: str) -> None:
    for read in (loads, loads_strictly):
        with pytest.raises(ValueError, match=r"line 1|BOM"):
            read(text)


def test_half_a_character_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        dumps(loads(r'"\ud83d"'))


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("4111111111111111", "4111111111111111"),
        ("-411", "411"),
        ("4.111e3", "4111"),
        ("41.00", "41"),
        ("4111E+2", "411100"),
        ("1e999", "1" + "0" * 40),
        ("0.4111", ""),
        ("4.5", ""),
        ("1e9999", ""),
        ("1e-3", ""),
    ],
)
def test_whole_numbers_have_digits(number: str, digits: str) -> None:
    assert whole_number_digits(number) == digits


@pytest.mark.parametrize("value", [None, True, [], {}, 5])
def test_what_is_neither_text_nor_number_has_none(value: object) -> None:
    assert text_of(value) == ""


def test_it_is_the_shortest_json() -> None:
    text = '{ "a" : [ 1 , "\\u00e9\\/" ] }\n'
    assert dumps(loads(text)) == orjson.dumps(orjson.loads(text))
