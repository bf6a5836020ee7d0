"""Card numbers are found in any grouping, and next to any other digits."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from stdnum import luhn

from pipeline.ingest.redaction.cards import LuhnDigits, cards
from pipeline.ingest.redaction.patterns import Patterns
from tests.pipeline.ingest.redaction.pattern_masking import SEPARATORS, masked


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("my card is 4111 1111 1111 1111, exp 12/27", "my card is [card], exp 12/27"),
        ("4111-1111-1111-1111", "[card]"),
        ("card4111111111111111.", "card[card]."),
        ("4111.1111.1111.1111", "[card]"),
        ("4111 - 1111 - 1111 - 1111", "[card]"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "[card]"),
        ("4111\N{NO-BREAK SPACE}1111\N{ZERO WIDTH SPACE}1111\N{EN DASH}1111", "[card]"),
        ("\N{FULLWIDTH DIGIT FOUR}" + "\N{FULLWIDTH DIGIT ONE}" * 15, "[card]"),
        ("3782 822463 10005", "[card]"),
        ("6759649826438453", "[card]"),
        ("4222222222222", "[card]"),
        ("4000000000000000006", "[card]"),
        ("4111111111111111 5500000000000004", "[card] [card]"),
        ("4111,1111,1111,1111", "[card]"),
        ("4111/1111/1111/1111", "[card]"),
        ("4111 | 1111 | 1111 | 1111", "[card]"),
        ("4111\N{SOFT HYPHEN}1111\N{SOFT HYPHEN}1111\N{SOFT HYPHEN}1111", "[card]"),
        ("4111       1111\n1111\t\t1111", "[card]"),
        ("4111_1111_1111_1111", "[card]"),
        ('"4111", "1111", "1111", "1111', '"[card]'),
        ("4\ufe0f\u20e31\ufe0f\u20e31\ufe0f\u20e31 1111 1111 1111", "[card]"),
        ("\N{CIRCLED DIGIT FOUR}" + "\N{SUPERSCRIPT ONE}" * 15, "[card]"),
        ("\N{ARABIC-INDIC DIGIT FOUR}" + "\N{ARABIC-INDIC DIGIT ONE}" * 15, "[card]"),
        ("4111&nbsp;1111&#32;1111&shy;1111", "[card]"),
        ("4111%201111%201111%201111", "[card]"),
        ("%34111%2D1111%252D1111%2D1111", "[card]"),
        ("50%4111111111111111", "50%[card]"),  # no escape, though it looks like one
        ("41111111111111115500000000000004", "[card]"),
        ("4111 1111 1111 11115500 0000 0000 0004", "[card]"),
        ("4111111111111111123", "[card]"),
        ("41111111111111111227", "[card]"),
        ("4111-1111-1111-11111227123", "[card]"),
        ("378282246310005" + "1227" + "1234", "[card]"),
        ("1234111111111111111", "[card]"),
    ],
)
def test_cards_are_masked_in_any_grouping(text: str, kept: str) -> None:
    assert masked(text) == (kept, {"card"})


def test_of_digits_that_may_be_two_cards_none_is_left() -> None:
    """The first eighteen pass for a card by chance, and so do the last sixteen."""
    assert luhn.is_valid("415555010041111111")
    assert masked("415 555 0100 4111 1111 1111 1111") == ("[card]", {"card"})


groups = st.lists(st.integers(1, 6), min_size=1, max_size=16)


@given(
    st.sampled_from("23456"),
    st.text("0123456789", min_size=11, max_size=17),
    groups,
    st.text(SEPARATORS, max_size=5),
)
def test_every_card_is_masked(first: str, middle: str, sizes: list[int], between: str) -> None:
    digits = first + middle
    digits += luhn.calc_check_digit(digits)
    parts, at = [], 0
    for size in [*sizes, len(digits)]:
        parts.append(digits[at : at + size])
        at += size
    text = between.join(filter(None, parts))
    found, marks = masked(f"it is {text}, thanks", Patterns(("card",), "US"))
    assert (found, marks) == ("it is [card], thanks", {"card"})


@given(
    st.sampled_from(["4111111111111111", "5500000000000004", "378282246310005", "6011000990139424"]),
    st.text(max_size=12),
    st.text(max_size=12),
    st.text(SEPARATORS, max_size=3),
)
def test_a_card_is_found_among_anything(card: str, before: str, after: str, between: str) -> None:
    text = before + between.join(card) + after
    digits = "".join(each for each in masked(text)[0] if each.isdecimal())
    assume(not before[-8:].rstrip(SEPARATORS)[-1:].isdigit() and not after.lstrip(SEPARATORS)[:1].isdigit())
    assert card not in digits


def test_a_range_of_digits_is_checked_for_its_issuer_and_its_last_digit() -> None:
    digits = LuhnDigits("0041111111111111110")
    assert digits.may_be_card(2, 18)
    assert digits.is_issued_card(2, 18)
    assert not digits.may_be_card(2, 17)
    assert not digits.may_be_card(0, 16)


def test_spans_are_whole_groups_with_what_is_joined_to_a_card() -> None:
    assert list(cards("4111111111111111", [0, 4, 8, 12, 16])) == [(0, 16)]
    assert list(cards("411111111111111112", [0, 18])) == []
    assert list(cards("4111111111111111123", [0, 19])) == [(0, 19)]
    assert list(cards("411111111111", [0, 12])) == []
