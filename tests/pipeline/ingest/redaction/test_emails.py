"""E-mail addresses are found however they are written, and among any other text."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pipeline.ingest.redaction.emails import emails
from tests.pipeline.ingest.redaction.pattern_masking import masked, pieces


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


@given(st.lists(pieces, max_size=6).map("".join))
def test_an_address_is_found_among_anything(around: str) -> None:
    text = f"{around} ann.lee@example.com "
    assume("\\" not in around)
    assert "ann.lee" not in masked(text)[0]


def test_spans_are_those_of_whole_addresses() -> None:
    text = "a@b.com, and ann at example dot com"
    assert [text[begin:end] for begin, end in emails(text)] == ["a@b.com", "ann at example dot com"]
    assert list(emails("lodash@4.17.21, meet me at ten")) == []
