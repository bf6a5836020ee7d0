"""Convert the members of a Lex V1 log entry to those that V2 would log for the same turn."""

import re

from pipeline.query.get_session.lenient import Members, mapping, objects, text

SCORE = re.compile(r"(Positive|Negative|Neutral|Mixed): *([0-9.eE+-]+)")
"""A score in V1's text `{Positive: 0.39,Negative: 0.01,Neutral: 0.17,Mixed: 0.42}`."""


def as_v2(entry: Members) -> Members:
    """Convert the members that a session needs, without name and state of intent and dialog: the turn has them."""
    reply = text(entry.get("botResponse"))
    return {
        "inputTranscript": entry.get("inputTranscript"),
        "messages": [{"contentType": "PlainText", "content": reply}] if reply else [],
        "interpretations": _interpretations(entry),
        "sessionState": {
            "intent": {
                "slots": _slots(entry.get("slots")),
                "confirmationState": entry.get("confirmationStatus"),
            },
            "dialogAction": {"slotToElicit": entry.get("slotToElicit")},
            "sessionAttributes": entry.get("sessionAttributes"),
            "activeContexts": [
                {**context, "contextAttributes": context.get("parameters")}
                for context in objects(entry.get("activeContexts"))
            ],
        },
    }


def summary_labels(entry: Members) -> dict[str, str]:
    """Return intent name -> checkpoint label from the entry's own summaries, of which the newest comes first."""
    labels: dict[str, str] = {}
    for summary in objects(entry.get("recentIntentSummaryView")):
        name, label = text(summary.get("intentName")), text(summary.get("checkpointLabel"))
        if name and label:
            labels.setdefault(name, label)
    return labels


def _interpretations(entry: Members) -> list[Members]:
    first = {**entry, "name": entry.get("intent"), "sentimentResponse": _sentiment(entry)}
    return [_interpretation(each) for each in (first, *objects(entry.get("alternativeIntents")))]


def _interpretation(each: Members) -> Members:
    return {
        "intent": {"name": each.get("name"), "slots": _slots(each.get("slots"))},
        "nluConfidence": each.get("nluIntentConfidence"),
        "sentimentResponse": each.get("sentimentResponse"),
    }


def _slots(slots: object) -> Members:
    """Convert slots; a slot of V1 is its bare value, or null."""
    return {
        name: {"shape": "Scalar", "value": {"interpretedValue": value}} if isinstance(value, str) else None
        for name, value in mapping(slots).items()
    }


def _sentiment(entry: Members) -> Members | None:
    sentiment = mapping(entry.get("sentimentResponse"))
    if not sentiment:
        return None
    scores = SCORE.findall(text(sentiment.get("sentimentScore")))
    return {
        "sentiment": sentiment.get("sentimentLabel"),
        "sentimentScore": {name.lower(): score for name, score in scores},
    }
