"""Text from outside does nothing to a terminal, and is still there for who wants to know it."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.printable import escaped, escaped_json, printable, printable_lines, shortened

texts = st.text(st.characters() | st.sampled_from("\x00\x1b\x07\x7f\x9b\u202e\u2066\u200d\ufeff\u3164\U000e0041"))


def harmless(text: str) -> bool:
    """Neither controls, C1's too, nor marks of direction, joiners, halves of characters, nor blanks of odd kinds."""
    return all(unicodedata.category(each)[0] != "C" and (each == " " or each[0].isprintable()) for each in text)


@given(texts)
def test_nothing_is_left_that_a_terminal_would_obey(text: str) -> None:
    assert harmless(printable(text))
    in_bytes = sum("\udc80" <= each <= "\udcff" for each in text)  # of a file name, each written as `\\x80`
    assert len(printable(text)) == len(text) + 3 * in_bytes
    assert printable(printable(text)) == printable(text)
    assert harmless(escaped(text))
    assert harmless(printable_lines(text).replace("\n", ""))


@given(st.recursive(st.none() | texts | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(texts, inner)))
def test_json_is_the_same_data(value: object) -> None:
    for indent in (None, 2):
        document = json.dumps(value, ensure_ascii=False, indent=indent)
        for encoding in ("utf-8", "UTF8", "ascii", "latin-1", "no such"):
            shown = escaped_json(document, encoding)
            assert json.loads(shown) == value
            assert harmless(shown.replace("\n", ""))
            if encoding in {"ascii", "latin-1"}:
                assert shown.encode(encoding)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb\r\n", "a\ufffd[31mb\ufffd\ufffd"),
        ("\udcff.gz", "\\xff.gz"),
        ("a\u3164b", "a\ufffdb"),
        ("Zoe\u0308", "Zoe\u0308"),
        ("\u2764\ufe0f", "\u2764\ufe0f"),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "\ufffd" * 2),
    ],
)
def test_what_is_replaced(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_escaped_says_what_it_was() -> None:
    assert escaped("\x1b[31m \u202e \udcff \U000e0041 Grüße") == "\\x1b[31m \\u202e \\xff \\U000e0041 Grüße"


def test_what_is_cut_says_how_much_is_missing() -> None:
    assert shortened("x" * 10, 10) == "x" * 10
    assert shortened("x" * 2010, 10) == "xxxxxxxxxx... (2,000 more characters)"
