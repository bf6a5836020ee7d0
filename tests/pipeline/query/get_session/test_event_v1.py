"""A Lex V1 log entry is converted to the members that V2 would log."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query.get_session.event_v1 import as_v2, summary_labels


def interpretation(name: str | None, slots: Mapping[str, object], confidence: object = None) -> dict[str, object]:
    return {"intent": {"name": name, "slots": slots}, "nluConfidence": confidence, "sentimentResponse": None}


def scalar(value: str) -> dict[str, object]:
    return {"shape": "Scalar", "value": {"interpretedValue": value}}


def test_an_entry_has_v2s_members() -> None:
    entry = {
        "inputTranscript": "roses",
        "botResponse": "Since when?",
        "intent": "DescribeIllness",
        "nluIntentConfidence": "0.88",
        "slots": {"Plant": "roses", "Since": None},
        "alternativeIntents": [{"name": "AMAZON.FallbackIntent", "slots": {}}],
        "confirmationStatus": "None",
        "slotToElicit": "Since",
        "sessionAttributes": {"tier": "gold"},
        "activeContexts": [{"name": "garden", "timeToLive": {"turnsToLive": 5}, "parameters": {"bed": "3"}}],
    }
    slots: dict[str, object] = {"Plant": scalar("roses"), "Since": None}
    found = as_v2(entry)
    (context,) = found["sessionState"].pop("activeContexts")
    assert context.items() >= {"name": "garden", "contextAttributes": {"bed": "3"}}.items()
    assert found == {
        "inputTranscript": "roses",
        "messages": [{"contentType": "PlainText", "content": "Since when?"}],
        "interpretations": [
            interpretation("DescribeIllness", slots, "0.88"),
            interpretation("AMAZON.FallbackIntent", {}),
        ],
        "sessionState": {
            "intent": {"slots": slots, "confirmationState": "None"},
            "dialogAction": {"slotToElicit": "Since"},
            "sessionAttributes": {"tier": "gold"},
        },
    }


def test_an_entry_without_a_response_has_no_message() -> None:
    assert as_v2({"botResponse": ""})["messages"] == []


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        (
            "{Positive: 0.39,Negative: 0.01,Neutral: 0.17,Mixed: 4.2E-1}",
            {"positive": "0.39", "negative": "0.01", "neutral": "0.17", "mixed": "4.2E-1"},
        ),
        ("{Positive:1}", {"positive": "1"}),
        ("unknown", {}),
        (None, {}),
    ],
)
def test_sentiment_scores_are_parsed_from_text(scores: object, expected: dict[str, str]) -> None:
    entry = {"sentimentResponse": {"sentimentLabel": "POSITIVE", "sentimentScore": scores}}
    (first,) = as_v2(entry)["interpretations"]
    assert first["sentimentResponse"] == {"sentiment": "POSITIVE", "sentimentScore": expected}


def test_the_newest_summary_of_an_intent_gives_its_label() -> None:
    summaries: list[Any] = [
        {"intentName": "A", "checkpointLabel": "new"},
        {"intentName": "B"},
        {"intentName": "A", "checkpointLabel": "old"},
        {"checkpointLabel": "nameless"},
        "no summary",
    ]
    assert summary_labels({"recentIntentSummaryView": summaries}) == {"A": "new"}


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["slots", "alternativeIntents", "activeContexts", "sentimentResponse", "botResponse"]),
        st.none() | st.integers() | st.text() | st.lists(st.integers() | st.dictionaries(st.text(), st.none())),
    )
)
def test_members_of_any_type_are_converted_without_an_error(entry: dict[str, object]) -> None:
    assert set(as_v2(entry)) == {"inputTranscript", "messages", "interpretations", "sessionState"}
    assert summary_labels(entry) == {}
