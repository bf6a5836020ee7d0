"""Hypothesis strategies for log entries with everything that people say in them, and for settings to redact it."""

import json
from typing import Any

from hypothesis import strategies as st

from pipeline.config.settings import Settings
from tests.events import entry

CARD, EMAIL, PHONE = "4111 1111 1111 1111", "ann.lee@example.com", "+44 20 7946 0958"
WORDS = ("Paris", "paris", "2", "no", "{City}", "Rose", "rose garden", "東京", "[redacted]", "[card]", "4155550100")
SLOTS = ("City", "Pin", "Address", "Street", "CardNumber")
ATTRIBUTES = ("name", "x-amz-lex:channels:platform", "x-amz-lex:qna-search-response", "City")

words = st.sampled_from([CARD, EMAIL, PHONE, *WORDS]) | st.text(max_size=6)
texts = st.lists(words, max_size=4).map(" ".join) | st.lists(words, max_size=3).map("".join)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(("slots", "messages", "content", "inputTranscript", "sessionAttributes", "x", *SLOTS)),
            inner,
        )
    ),
    max_leaves=8,
)
said = texts | anything.map(json.dumps)
"""Also texts that are JSON themselves."""

values = st.fixed_dictionaries(
    {},
    optional={
        "originalValue": texts,
        "interpretedValue": texts | st.none(),
        "resolvedValues": st.lists(texts, max_size=2),
    },
)
slot = st.recursive(
    st.none() | texts | st.fixed_dictionaries({"shape": st.just("Scalar"), "value": values}),
    lambda inner: (
        st.fixed_dictionaries(
            {"shape": st.just("Composite"), "subSlots": st.dictionaries(st.sampled_from(SLOTS), inner, max_size=2)}
        )
        | st.fixed_dictionaries({"shape": st.just("List"), "values": st.lists(inner, max_size=2)})
    ),
    max_leaves=3,
)
slots = st.dictionaries(st.sampled_from(SLOTS), slot, max_size=3) | st.none()
attributes = st.dictionaries(st.sampled_from(ATTRIBUTES), said, max_size=3)
messages = st.lists(
    st.fixed_dictionaries({"contentType": st.just("PlainText")}, optional={"content": said}), max_size=2
)


@st.composite
def entries(draw: st.DrawFn) -> bytes:
    """Valid Lex V2 log entries."""
    made: dict[str, Any] = entry(
        inputTranscript=draw(said),
        rawInputTranscript=draw(texts),
        messages=draw(messages),
        transcriptions=draw(
            st.lists(st.fixed_dictionaries({"transcription": texts, "resolvedSlots": slots}), max_size=2)
        ),
        interpretations=[{"nluConfidence": "0.9", "intent": {"name": "BookHotel", "slots": draw(slots)}}],
        requestAttributes={"x-amz-lex:channels:platform": draw(texts)},
        unknown=draw(anything),
    )
    made["sessionState"] |= {
        "sessionAttributes": draw(attributes),
        "activeContexts": [{"name": "City", "contextAttributes": draw(attributes)}],
        "intent": {"name": draw(texts), "state": "InProgress", "slots": draw(slots)},
    }
    return json.dumps(made).encode()


redacting = st.builds(
    Settings,
    redact_transcripts=st.sampled_from(("keep", "mask", "drop")),
    redact_slots=st.sampled_from(((), ("City", "street"), ("*",))),
    redact_obfuscated=st.booleans(),
    redact_attributes=st.sampled_from(((), ("NAME",), ("*",))),
    redact_patterns=st.sampled_from(((), ("card",), ("card", "email", "phone"))),
)
"""Settings that redact something, most of them."""
