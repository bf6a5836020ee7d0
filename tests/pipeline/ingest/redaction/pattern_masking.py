"""Mask patterns in a text, and draw separators and pieces of texts."""

from hypothesis import strategies as st

from pipeline.ingest.redaction.patterns import PREFIX, Patterns

ALL = Patterns(("card", "email", "phone"), "US")


def masked(text: str, patterns: Patterns = ALL) -> tuple[str, set[str]]:
    marks: set[str] = set()
    return patterns.masked(text, marks), {mark.removeprefix(PREFIX) for mark in marks}


SEPARATORS = " \t\n.,;:-_/|\\*+()[]'\"~\u00a0\u00ad\u2003\u200b\u200d\u2013\u2212\u3000\ufe0f\u3001"

pieces = st.sampled_from(
    ["4111", "1111", "11111111", "+44", "20 7946 0958", "4155550100", "ann", "@", "example.com", ".", "-", " ",
     "[card]", "2026-03-14", "\\n", "\\u0040", "%40", '"', "12345678-1234-4111-8111-111111111111"]
) | st.text(max_size=3)  # fmt: skip
