"""Phone numbers of a country are found as it writes them, and international ones anywhere."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, example_number, format_number

from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.phones import Phones
from tests.pipeline.ingest.redaction.pattern_masking import SEPARATORS, masked


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("call (415) 555-0100 now", "call [phone] now"),
        ("4155550100,415.555.0101", "[phone],[phone]"),
        ("+1 555 010 9999", "[phone]"),
        ("+44 20 7946 0958", "[phone]"),
        ("tel:+442079460958;x", "tel:[phone];x"),
        ("\N{FULLWIDTH PLUS SIGN}49 30 901820", "[phone]"),
        ("+14155550100+442079460958", "[phone][phone]"),
        ("415,555,2671", "[phone]"),
        ("415/555/2671 ext. 12", "[phone] ext. 12"),
        ("1 - 415 - 555 - 2671", "[phone]"),
        ("011 44 20 7946 0958", "[phone]"),
        ("%2B44 20 7946 0958", "[phone]"),
        ("".join(chr(0x660 + int(digit)) for digit in "4155552671"), "[phone]"),
        ("4 1 5 5 5 5 2 6 7 1", "[phone]"),
    ],
)
def test_phones_are_masked(text: str, kept: str) -> None:
    assert masked(text) == (kept, {"phone"})


@pytest.mark.parametrize("region", ["US", "GB", "DE", "DK", "IT", "IN", "JP", "BR"])
@pytest.mark.parametrize("form", [PhoneNumberFormat.NATIONAL, PhoneNumberFormat.INTERNATIONAL, PhoneNumberFormat.E164])
def test_phones_of_a_country_are_known_as_it_writes_them(region: str, form: int) -> None:
    number = example_number(region)
    assert number is not None
    text = f"please call {format_number(number, form)} today"
    assert masked(text, Patterns(("phone",), region)) == ("please call [phone] today", {"phone"})


def test_a_date_is_no_phone_where_phones_have_eight_digits() -> None:
    danish = Patterns(("phone",), "DK")
    assert masked("from 2026-03-14 to 2026-03-15", danish) == ("from 2026-03-14 to 2026-03-15", set())
    assert masked("call 32 12 34 56", danish) == ("call [phone]", {"phone"})


@given(st.text(SEPARATORS.replace("+", ""), max_size=4), st.text(max_size=8))
def test_a_phone_is_found_however_it_is_split(between: str, around: str) -> None:
    assume(not any(each.isdigit() or each in "%&\\" for each in around))
    assert "2671" not in masked(f"{around} 415{between}555{between}2671 {around}")[0]


def test_a_number_ends_at_one_of_the_given_ends() -> None:
    phones = Phones("US")
    assert "4155552671" in phones
    assert "14155552671" in phones
    assert "1234567" not in phones
    assert phones.end("4155552671999", 0, frozenset((10, 13)), 13) == 10
    assert phones.end("4155552671999", 0, frozenset((13,)), 13) == 0


def test_an_unknown_country_has_no_numbers() -> None:
    assert "4155552671" not in Phones("")
