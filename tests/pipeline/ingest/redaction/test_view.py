"""Texts are searched as a reader understands them; matches are mapped to the original characters."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.redaction.view import INVISIBLE, MAX_UNESCAPES, normalised, views
from tests.pipeline.ingest.redaction.pattern_masking import masked

ESCAPES = ["%40", "%25", "%c3%a9", "&amp;", "&#64;", r"\u0040", r"\n", "\0", "\N{SOFT HYPHEN}", "é", "4", "%"]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (r'{"text":"call\n4155550100\tnow', r'{"text":"call\n[phone]\tnow'),
        (r'{"mail":"ann\u0040example.com', '{"mail":"[email]'),
        (r'{"tel":"\u002B44 20 7946 0958', '{"tel":"[phone]'),
        (r'{"a":"\u0022ann@example.com', r'{"a":"\u0022[email]'),
        (r"\u0040 and nothing else", r"\u0040 and nothing else"),
    ],
)
def test_broken_json_is_searched_with_its_escapes_resolved(text: str, kept: str) -> None:
    assert masked(text)[0] == kept


def readings(text: str) -> list[str]:
    return [view.text for view in views(text)]


def test_characters_are_read_as_plain_ones() -> None:
    assert normalised("\N{FULLWIDTH DIGIT FOUR}\N{ARABIC-INDIC DIGIT ONE}\N{CIRCLED DIGIT TWO}") == "412"
    assert normalised("a\N{IDEOGRAPHIC FULL STOP}b\N{SOFT HYPHEN}c\N{NO-BREAK SPACE}é") == f"a.b{INVISIBLE}c é"


def test_escapes_are_resolved_in_turn_up_to_a_limit() -> None:
    assert readings("a") == ["a"]
    assert readings(r"a\u0040b") == ["a@b"]
    assert readings("a%40b&#64;c") == ["a%40b&#64;c", "a@b@c"]
    assert readings("%2525252540")[-1] == "%2540"
    assert len(readings("%2525252540")) == 1 + MAX_UNESCAPES


@given(st.text(max_size=20) | st.lists(st.sampled_from(ESCAPES)).map("".join))
def test_every_character_stands_for_a_part_of_the_text(text: str) -> None:
    for view in views(text):
        spans = [view.span(at, at + 1) for at in range(len(view.text))]
        assert all(0 <= begin < end <= len(text) for begin, end in spans)
        assert [begin for begin, _ in spans] == sorted(begin for begin, _ in spans)


def test_a_span_covers_the_escapes_in_it() -> None:
    *_, view = views("x%40y")
    assert view.text == "x@y"
    assert [view.span(0, 1), view.span(1, 2), view.span(1, 3)] == [(0, 1), (1, 4), (1, 5)]
