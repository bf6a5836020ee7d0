"""Cards, addresses and phones are masked however they are written; dates, UUIDs and plain numbers are left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.redaction.patterns import Patterns
from tests.pipeline.ingest.redaction.pattern_masking import masked, pieces


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
def test_other_text_is_left(text: str) -> None:
    assert masked(text) == (text, set())


def test_only_configured_kinds_are_masked() -> None:
    text = "4111111111111111 ann@example.com +442079460958"
    assert masked(text, Patterns(("card",), "US")) == ("[card] ann@example.com +442079460958", {"card"})
    assert masked(text, Patterns(("email", "phone"), "US")) == ("4111111111111111 [email] [phone]", {"email", "phone"})
    assert not Patterns((), "US")


@given(st.lists(pieces, max_size=12).map("".join))
def test_masking_twice_changes_nothing(text: str) -> None:
    once, found = masked(text)
    assert masked(once) == (once, set())
    assert bool(found) == (once != text)
