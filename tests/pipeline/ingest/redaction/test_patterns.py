"""Cards, addresses and phones are masked however they are written; dates, UUIDs and plain numbers are left."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, example_number, format_number
from stdnum import luhn

from pipeline.ingest.redaction.patterns import PREFIX, Patterns

ALL = Patterns(("card", "email", "phone"), "US")


def masked(text: str, patterns: Patterns = ALL) -> tuple[str, set[str]]:
    marks: set[str] = set()
    return patterns.masked(text, marks), {mark.removeprefix(PREFIX) for mark in marks}


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


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",  # no valid last digit
        "1234567890123452",  # valid, but no card begins so
        "411111111111",
        "4" + "1" * 40,
        "929e9aa7-155b-471b-b68d-45c8da484292",
        "12345678-1234-4111-8111-111111111111",
        "2026-03-14 2026-03-15",
        "1773480413589",
        "flight 12 on 3 May, 4 people, 2 rooms",
        "lodash@4.17.21",
        "14/03/2026 15/03/2026 10:30, or 2026-03-14 10:30:00.123 to 2026-03-15T11:30",
        "sure: 0.8123456789",
        "order 4111111111111112, 1234567, a1b2c3d4155550100ff",
        "look at us: dot, and meet me at 10.30 at the station. In",
        "someone @ home",
        "@ann",
        "",
    ],
)
def test_what_is_none_is_left(text: str) -> None:
    assert masked(text) == (text, set())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to ann.lee+x@mail.example.co.uk.", "write to [email]."),
        ("<ann@example.com>", "<[email]>"),
        ("mailto:ann@example.com?subject=x", "mailto:[email]?subject=x"),
        ("ann%40example.com", "[email]"),
        ('"ann lee"@example.com', "[email]"),
        ("ann@[192.0.2.1]", "[email]"),
        ("Änne@bücher.example", "[email]"),
        ("ann\N{FULLWIDTH COMMERCIAL AT}example.jp", "[email]"),
        ("a@b.example,c@d.example", "[email],[email]"),
        ("4155550100@sms.example.com", "[email]"),
        ("a @ b.com", "[email]"),
        ("a@b . com", "[email]"),
        ("a@ b.co.uk!", "[email]!"),
        ("ann dot lee at example dot com", "[email]"),
        ("ann (at) example.com", "[email]"),
        ("ann [at] mail [dot] example [dot] com", "[email]"),
        ("an\N{SOFT HYPHEN}n@exam\N{ZERO WIDTH SPACE}ple.com", "[email]"),
        ("ann@example\N{IDEOGRAPHIC FULL STOP}jp", "[email]"),
        ("ann&#64;example.com", "[email]"),
        ("ann%2540example&period;com", "[email]"),
        ('"ann \\"x\\" lee"@example.com', "[email]"),
    ],
)
def test_addresses_are_masked(text: str, kept: str) -> None:
    assert masked(text) == (kept, {"email"})


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


def test_only_what_is_asked_for_is_masked() -> None:
    text = "4111111111111111 ann@example.com +442079460958"
    assert masked(text, Patterns(("card",), "US")) == ("[card] ann@example.com +442079460958", {"card"})
    assert masked(text, Patterns(("email", "phone"), "US")) == ("4111111111111111 [email] [phone]", {"email", "phone"})
    assert not Patterns((), "US")


def test_of_digits_that_may_be_two_cards_none_is_left() -> None:
    """The first eighteen pass for a card by chance, and so do the last sixteen."""
    assert luhn.is_valid("415555010041111111")
    assert masked("415 555 0100 4111 1111 1111 1111") == ("[card]", {"card"})


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
def test_json_that_nobody_can_read_is_searched_as_what_it_stands_for(text: str, kept: str) -> None:
    assert masked(text)[0] == kept


SEPARATORS = " \t\n.,;:-_/|\\*+()[]'\"~\u00a0\u00ad\u2003\u200b\u200d\u2013\u2212\u3000\ufe0f\u3001"
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


@given(st.text(SEPARATORS.replace("+", ""), max_size=4), st.text(max_size=8))
def test_a_phone_is_found_however_it_is_split(between: str, around: str) -> None:
    assume(not any(each.isdigit() or each in "%&\\" for each in around))
    assert "2671" not in masked(f"{around} 415{between}555{between}2671 {around}")[0]


pieces = st.sampled_from(
    ["4111", "1111", "11111111", "+44", "20 7946 0958", "4155550100", "ann", "@", "example.com", ".", "-", " ",
     "[card]", "2026-03-14", "\\n", "\\u0040", "%40", '"', "12345678-1234-4111-8111-111111111111"]
) | st.text(max_size=3)  # fmt: skip


@given(st.lists(pieces, max_size=12).map("".join))
def test_what_is_masked_is_left_when_it_is_masked_again(text: str) -> None:
    once, found = masked(text)
    assert masked(once) == (once, set())
    assert bool(found) == (once != text)


@given(st.lists(pieces, max_size=6).map("".join))
def test_an_address_is_found_among_anything(around: str) -> None:
    text = f"{around} ann.lee@example.com "
    assume("\\" not in around)
    assert "ann.lee" not in masked(text)[0]
