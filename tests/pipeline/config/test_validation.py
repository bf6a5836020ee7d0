"""What is to be redacted is said in words that mean something, or the process does not start."""

import re

import pytest

from pipeline.config.load import load_settings
from pipeline.runtime.errors import UsageError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"PATTERNS": "phone", "PHONE_REGION": "ZZ"}, "TURNFOLD_REDACT_PHONE_REGION='ZZ' is not a country"),
        ({"PATTERNS": "phone", "PHONE_REGION": "UK"}, "expected US or DE"),
        ({"PHONE_REGION": "us"}, "TURNFOLD_REDACT_PHONE_REGION='us' is invalid"),
        ({"PATTERNS": "card,phones"}, "TURNFOLD_REDACT_PATTERNS='card,phones' is invalid"),
        ({"TRANSCRIPTS": "hide"}, "TURNFOLD_REDACT_TRANSCRIPTS='hide' is invalid"),
        ({"SLOTS": "Pin,Card*"}, "TURNFOLD_REDACT_SLOTS takes whole names, or * alone for all, not Card*"),
        ({"ATTRIBUTES": "x-*"}, "TURNFOLD_REDACT_ATTRIBUTES takes whole names"),
        ({"ATTRIBUTES": "a,x-amz-lex:channels:platform"}, "x-amz-lex:channels:platform, a conversation's channel"),
    ],
)
def test_what_cannot_be_redacted_so_is_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=re.escape(words)):
        load_settings({f"TURNFOLD_REDACT_{name}": value for name, value in given.items()})


def test_what_can_be_is_read() -> None:
    read = load_settings(
        {
            "TURNFOLD_REDACT_SLOTS": "*",
            "TURNFOLD_REDACT_ATTRIBUTES": "name, email",
            "TURNFOLD_REDACT_PATTERNS": "card,phone",
            "TURNFOLD_REDACT_PHONE_REGION": "GB",
            "TURNFOLD_REDACT_OBFUSCATED": "true",
        }
    )
    assert (read.redact_slots, read.redact_attributes) == (("*",), ("name", "email"))
    assert (read.redact_patterns, read.redact_obfuscated) == (("card", "phone"), True)


def test_a_country_that_nobody_asks_for_is_not_looked_at() -> None:
    assert load_settings({"TURNFOLD_REDACT_PHONE_REGION": "ZZ"}).redact_phone_region == "ZZ"
