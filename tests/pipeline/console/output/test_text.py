import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.output.text import Exact, finalize, segments, visible

INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def test_what_people_write_is_unchanged() -> None:
    for text in (
        "plain",
        "Reykjavík, ¿qué?",
        "שלום",
        "你好\nzwei\tdrei",
        "👩\u200d🚀",
        "❤\ufe0f",
        "10\u00a0km",
    ):
        assert visible(text) == text


def test_what_cannot_be_seen_is_shown_as_its_number() -> None:
    assert visible("a\u202eb\x00\u200b") == "a\u27e8U+202E\u27e9b\u27e8U+0000\u27e9\u27e8U+200B\u27e9"
    assert visible("\ud800") == "\u27e8U+D800\u27e9"
    assert visible("a\r\nb") == "a\nb"


def test_towers_of_marks_are_cut() -> None:
    assert len(visible("a" + "\u0301" * 100)) == 5


@given(st.text())
def test_nothing_invisible_is_left(text: str) -> None:
    kept = "\n\t\u200c\u200d"
    assert not [
        each for each in visible(text) if unicodedata.category(each) in INVISIBLE_CATEGORIES and each not in kept
    ]


@given(st.text(), st.text(min_size=1, max_size=3))
def test_segments_are_the_whole_text(text: str, find: str) -> None:
    assert "".join(segment.text for segment in segments(text, find)) == visible(text)


def test_matches_are_found_in_any_case_and_odd_characters_marked() -> None:
    assert [tuple(each) for each in segments("Say HELLO\u202e hello", "hello")] == [
        ("plain", "Say "),
        ("found", "HELLO"),
        ("odd", "\u27e8U+202E\u27e9"),
        ("plain", " "),
        ("found", "hello"),
    ]


def test_templates_write_exact_texts_as_they_are() -> None:
    assert finalize(Exact("\u202e")) == "\u202e"
    assert finalize("\u202e") == "\u27e8U+202E\u27e9"
    assert finalize(3) == 3
