"""The members of a Lex V1 log entry in, those that V2 would log for the same turn out."""

import re

from pipeline.query.get_session.lenient import Members, mapping, objects, text

SCORE = re.compile(r"(Positive|Negative|Neutral|Mixed): *([0-9.eE+-]+)")
"""One of the scores in V1's `{Positive: 0.39,Negative: 0.01,Neutral: 0.17,Mixed: 0.42}`, which is text."""


def as_v2(entry: Members) -> Members:
    """What a session is told from; the intent's name and state, and the dialog's, are left to the turn."""
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
    """The checkpoint label of each intent that the entry's own summaries give one; they have the newest first."""
    found: dict[str, str] = {}
    for summary in objects(entry.get("recentIntentSummaryView")):
        name, label = text(summary.get("intentName")), text(summary.get("checkpointLabel"))
        if name and label:
            found.setdefault(name, label)
    return found


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
    """V1 has a slot's value itself, or null."""
    return {
        name: {"shape": "Scalar", "value": {"interpretedValue": value}} if isinstance(value, str) else None
        for name, value in mapping(slots).items()
    }


def _sentiment(entry: Members) -> Members | None:
    told = mapping(entry.get("sentimentResponse"))
    if not told:
        return None
    scores = SCORE.findall(text(told.get("sentimentScore")))
    return {
        "sentiment": told.get("sentimentLabel"),
        "sentimentScore": {name.lower(): score for name, score in scores},
    }
