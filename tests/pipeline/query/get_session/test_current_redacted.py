"""Sessions of redacted entries are answered too: redacted values are absent, all others are unchanged."""

from typing import Any

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.redaction.masking import MASK
from tests.pipeline.query.session_entries import Entry, Sessions, scalar, v1, v2

SECRET = "Marlowe"
HINTS = {"slotHints": {"BookHotel": {"City": {"runtimeHintValues": [{"phrase": SECRET}]}}}}
CONTEXT = {"name": "Booked", "timeToLive": {"timeToLiveInSeconds": 600, "turnsToLive": 20}}

TOLD_V2 = v2(
    intent_={"slots": {"City": scalar(SECRET), "Nights": scalar("two")}},
    state={
        "sessionAttributes": {"guest": SECRET, "tier": "gold"},
        "activeContexts": [CONTEXT | {"contextAttributes": {"City": SECRET}}],
        "runtimeHints": HINTS,
    },
    inputTranscript=f"to {SECRET}",
    interpretations=[{"nluConfidence": "0.9", "intent": {"name": "BookHotel", "slots": {"City": scalar(SECRET)}}}],
    messages=[
        {"contentType": "PlainText", "content": f"{SECRET} it is"},
        {"contentType": "ImageResponseCard", "imageResponseCard": {"title": SECRET, "buttons": []}},
    ],
)
TOLD_V1 = v1(
    slots={"City": SECRET, "Nights": "two"},
    sessionAttributes={"guest": SECRET, "tier": "gold"},
    activeContexts=[CONTEXT | {"parameters": {"City": SECRET}}],
    recentIntentSummaryView=[{"intentName": "BookHotel", "checkpointLabel": "here", "slots": {"City": SECRET}}],
    inputTranscript=f"to {SECRET}",
    botResponse=f"{SECRET} it is",
)


def redacted(entry: Entry, **settings: Any) -> bytes:
    return EventDecoder.of(Settings(**settings)).decode(orjson.dumps(entry))[1]


@pytest.mark.parametrize("entry", [TOLD_V2, TOLD_V1], ids=["V2", "V1"])
@pytest.mark.parametrize("how", ["mask", "drop"])
def test_everything_redacted_still_answers(sessions: Sessions, entry: Entry, how: str) -> None:
    sessions.insert(redacted(entry, redact_transcripts=how, redact_slots=("*",), redact_attributes=("*",)))
    session, spoken = sessions.v1(), sessions.transcript()
    assert SECRET not in str([session, spoken])
    assert session["dialogAction"]["slots"] == {"City": MASK, "Nights": MASK}
    assert session["dialogAction"].get("message") == (MASK if how == "mask" else None)
    assert session["sessionAttributes"] == {"guest": MASK, "tier": MASK}
    assert session["activeContexts"][0]["parameters"] == {"City": MASK}
    assert session["recentIntentSummaryView"][0]["slots"] == {"City": MASK, "Nights": MASK}
    assert spoken["turns"][0].get("inputTranscript") == (MASK if how == "mask" else None)
    assert spoken["turns"][0]["intentName"] == "BookHotel"


def test_v2_answers_in_its_own_shapes(sessions: Sessions) -> None:
    sessions.insert(redacted(TOLD_V2, redact_transcripts="mask", redact_slots=("City",), redact_attributes=("guest",)))
    session = sessions.v2()
    assert SECRET not in str(session)
    state, city = session["sessionState"], scalar(MASK)
    assert state["intent"]["slots"] == {"City": city, "Nights": scalar("two")}
    assert session["interpretations"][0]["intent"]["slots"] == {"City": city}
    assert state["sessionAttributes"] == {"guest": MASK, "tier": "gold"}
    assert state["activeContexts"][0]["contextAttributes"] == {"City": MASK}
    assert state["activeContexts"][0]["timeToLive"]["turnsToLive"] == 20
    assert state["runtimeHints"]["slotHints"]["BookHotel"]["City"] == {"runtimeHintValues": [{"phrase": MASK}]}
    assert session["messages"][0] == {"contentType": "PlainText", "content": MASK}
    assert session["messages"][1]["imageResponseCard"]["title"] == MASK


def test_v2_answers_without_what_was_dropped(sessions: Sessions) -> None:
    sessions.insert(redacted(TOLD_V2, redact_transcripts="drop"))
    session = sessions.v2()
    assert session["messages"] == [{"contentType": "PlainText"}, {"contentType": "ImageResponseCard"}]
    assert session["sessionState"]["intent"]["slots"]["City"] == scalar(SECRET)


def test_values_are_masked_in_transcripts(sessions: Sessions) -> None:
    sessions.insert(redacted(TOLD_V2, redact_slots=("City",)))
    (turn,) = sessions.transcript()["turns"]
    assert turn["inputTranscript"] == f"to {MASK}"
    assert turn["messages"][0]["content"] == f"{MASK} it is"
