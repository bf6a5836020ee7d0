"""Sessions of a real archive at a fixed time."""

import random
from typing import Any

import orjson
import pytest

from pipeline.query.errors import NotFoundError
from schemas.lex.log_entry import alias_id, bot_id
from tests.pipeline.query.session_entries import (
    ALIAS,
    ALIAS_NAME,
    BOT,
    BOT_NAME,
    NAMES,
    NOW,
    USER,
    Ids,
    Names,
    Sessions,
    intents,
    scalar,
    v1,
    v2,
)


def missing(sessions: Sessions, names: Names = NAMES) -> None:
    with pytest.raises(NotFoundError, match="is open: the bot, its alias, its locale or the user is unknown"):
        sessions.v1(names)


def test_names_and_ids_find_the_same_session(sessions: Sessions) -> None:
    sessions.insert(v2())
    by_names = sessions.v1()
    for bot in (BOT_NAME, BOT):
        for alias in (ALIAS_NAME, ALIAS):
            assert sessions.v1((bot, alias, USER)) == by_names
    assert sessions.v2()["sessionState"]["originatingRequestId"] == by_names["sessionId"] == "origin-1"


@pytest.mark.parametrize(
    "names", [("nothing", ALIAS_NAME, USER), (BOT_NAME, "nothing", USER), (BOT_NAME, ALIAS_NAME, "nobody")]
)
def test_what_is_not_known_is_not_found(sessions: Sessions, names: Names) -> None:
    sessions.insert(v2())
    missing(sessions, names)


@pytest.mark.parametrize(
    "ids",
    [("BOTBBBBBB2", ALIAS, "en_US", USER), (BOT, "ALIASBBBB2", "en_US", USER), (BOT, ALIAS, "en_GB", USER),
     (BOT, ALIAS, "en_US", "nobody")],
)  # fmt: skip
def test_v2_asks_for_all_four_ids(sessions: Sessions, ids: Ids) -> None:
    sessions.insert(v2())
    with pytest.raises(NotFoundError):
        sessions.v2(ids)


def test_a_session_is_there_for_as_long_as_its_bot_allows(sessions: Sessions) -> None:
    sessions.insert(v2(300))
    assert sessions.v1()["sessionId"] == "origin-1"
    sessions.now += 1
    missing(sessions)
    with pytest.raises(NotFoundError):
        sessions.v2()
    sessions.ttl = {BOT: 301}
    assert sessions.v1()["sessionId"] == "origin-1"
    assert sessions.v2()["sessionId"] == USER
    sessions.now += 1000
    missing(sessions)


def test_each_bot_of_a_name_has_its_own_idle_time(sessions: Sessions) -> None:
    """The latest event is of a bot whose sessions end sooner: the session is over, as it counts."""
    sessions.insert(v2(100, bot={"id": "BOTBBBBBB2"}), v2(50))
    sessions.ttl = {BOT: 40, "BOTBBBBBB2": 1000}
    missing(sessions)
    sessions.ttl = {BOT: 1000, "BOTBBBBBB2": 40}
    assert sessions.v1()["sessionId"] == "origin-1"


def test_an_event_ahead_of_the_clock_is_the_latest(sessions: Sessions) -> None:
    context = {"name": "a", "timeToLive": {"timeToLiveInSeconds": 60, "turnsToLive": 5}, "contextAttributes": {}}
    sessions.insert(v2(-30, state={"activeContexts": [context]}), v2(1, conversation="other"))
    found = sessions.v1()
    assert found["sessionId"] == "origin-1"
    assert found["activeContexts"][0]["timeToLive"]["timeToLiveInSeconds"] == 60


def test_of_several_conversations_the_one_with_the_latest_event_counts(sessions: Sessions) -> None:
    sessions.insert(
        *(v2(ago, f"I{ago}", conversation=talk) for talk, ago in (("a", 90), ("b", 80), ("a", 20), ("b", 50)))
    )
    sessions.insert(v2(10, "I10", conversation="c", bot={"aliasName": "other", "aliasId": "OTHERALIAS"}))
    found = sessions.v1()
    assert (found["sessionId"], intents(found)) == ("a", ["I20", "I90"])
    assert sessions.v1((BOT_NAME, "other", USER))["sessionId"] == "c"
    sessions.insert(v2(19, "I19", conversation="b"))
    found = sessions.v1()
    assert (found["sessionId"], intents(found)) == ("b", ["I19", "I50", "I80"])


def test_ties_go_by_request_and_then_by_reason(sessions: Sessions) -> None:
    entries = [
        v2(10, f"I-{request}-{reason}", conversation=request, requestId=request, responseReason=reason)
        for request in ("r1", "r2", "\N{GREEK SMALL LETTER ALPHA}", "\U0001f600")
        for reason in (None, "FulfillmentStartedResponse", "FulfillmentUpdateResponse")
    ]
    random.Random(5).shuffle(entries)  # noqa: S311 - test data
    for entry in entries:
        sessions.insert(entry)
    found = sessions.v1()
    assert found["sessionId"] == "\U0001f600"
    assert intents(found) == [
        f"I-\U0001f600-{reason}" for reason in ("FulfillmentUpdateResponse", "FulfillmentStartedResponse", None)
    ]


def test_duplicates_in_parts_of_their_own_change_nothing(sessions: Sessions) -> None:
    entries = [v2(10 * n, f"I{n % 4}", intent_={"slots": {"n": scalar(str(n))}}) for n in range(1, 9)]
    sessions.insert(*entries)
    before = sessions.v1(), sessions.v1(label="x"), sessions.v2(), sessions.transcript()
    for entry in entries:
        sessions.insert(entry)
        sessions.insert(*reversed(entries))
    assert (sessions.v1(), sessions.v1(label="x"), sessions.v2(), sessions.transcript()) == before


def test_events_of_v1_and_v2_are_one_session_under_the_same_names(sessions: Sessions) -> None:
    label = [{"intentName": "B", "checkpointLabel": "Paid"}]
    sessions.insert(v2(40, "A"), v1(30, "B", recentIntentSummaryView=label), v2(20, "C"), v1(10, "A", slots={"x": "y"}))
    found = sessions.v1()
    assert intents(found) == ["A", "C", "B"]
    assert found["recentIntentSummaryView"][0]["slots"] == {"x": "y"}
    assert found["recentIntentSummaryView"][2]["checkpointLabel"] == "Paid"
    assert intents(sessions.v1(label="Paid")) == ["B"]
    assert [turn["inputTranscript"] for turn in sessions.transcript()["turns"]] == [
        "Said 40",
        "Said 30",
        "Said 20",
        "Said 10",
    ]


def test_v2_finds_a_bot_of_v1_by_the_derived_ids(sessions: Sessions) -> None:
    sessions.insert(v1())
    ids = (bot_id(BOT_NAME), alias_id(BOT_NAME, ALIAS_NAME))
    assert sessions.v2((*ids, "en_US", USER))["sessionState"]["originatingRequestId"] == "origin-1"
    with pytest.raises(NotFoundError):
        sessions.v2((*ids, "de_DE", USER))
    sessions.insert(v1(5, userId="user-2", locale=None))
    assert sessions.v2((*ids, "de_DE", "user-2"))["sessionId"] == "user-2", "it names no locale, and so is of any"


def test_every_intent_of_a_long_conversation_is_searched_for_a_label(sessions: Sessions) -> None:
    """More than one read of payloads takes; the three with the label are the oldest."""
    labelled = {"checkpointLabel": "Paid"}
    sessions.insert(*(v2(n, f"I{n}", intent_=labelled if n > 170 else {}) for n in range(1, 181)))
    assert intents(sessions.v1(label="Paid")) == ["I171", "I172", "I173"]
    assert intents(sessions.v1()) == ["I1", "I2", "I3"]


ODD = [
    "a'b",
    'a"b',
    "a\\b",
    "a\nb",
    "a\tb",
    "\\N",
    "a\0b",
    "{a:String}",
    "%s",
    "' OR 1=1 --",
    "ø\U0001f600",
    " a ",
    "\r",
    "`",
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_names_and_ids_are_only_names_and_ids(sessions: Sessions, odd: str) -> None:
    """Also those that travel in an array of tuples."""
    bot = {"name": odd, "aliasName": odd, "localeId": odd}
    sessions.insert(
        v2(10, odd, conversation=odd, requestId=odd, responseReason=odd, sessionId=odd, bot=bot), v2(5, odd)
    )
    found = sessions.v1((odd, odd, odd))
    assert (found["sessionId"], intents(found)) == (odd, [odd])
    assert found["dialogAction"]["message"] == "Reply of 10"
    assert sessions.v2((BOT, ALIAS, odd, odd))["messages"] == [{"contentType": "PlainText", "content": "Reply of 10"}]


def test_the_transcript_is_in_order_and_says_where_it_was_cut(sessions: Sessions) -> None:
    sessions.insert(*(v2(n, operationName="RecognizeText", inputMode="Text") for n in range(1, 61)))
    found = sessions.transcript()
    assert found["truncated"] is False
    assert [turn["inputTranscript"] for turn in found["turns"]] == [f"Said {n}" for n in range(60, 0, -1)]
    assert found["turns"][-1] == {
        "timestamp": NOW / 1000 - 1,
        "requestId": "request-1",
        "messages": [{"contentType": "PlainText", "content": "Reply of 1"}],
        "inputTranscript": "Said 1",
        "inputMode": "Text",
        "operationName": "RecognizeText",
        "intentName": "BookHotel",
        "intentState": "InProgress",
        "dialogActionType": "ElicitSlot",
    }
    assert {name: found[name] for name in ("botId", "botAliasId", "botVersion", "localeId", "sessionId")} == {
        "botId": BOT, "botAliasId": ALIAS, "botVersion": "1", "localeId": "en_US", "sessionId": USER
    }  # fmt: skip
    for most in (1, 26, 59):
        found = sessions.transcript(most)
        assert (len(found["turns"]), found["truncated"]) == (most, True)
        assert found["turns"][0]["inputTranscript"] == f"Said {most}"
    assert sessions.transcript(60)["truncated"] is False


def test_a_transcript_of_large_entries_ends_before_it_is_too_long(sessions: Sessions) -> None:
    large: dict[str, Any] = {"padding": "x" * 900_000}
    sessions.insert(*(v2(n, **large) for n in range(1, 41)))
    found = sessions.transcript()
    assert found["truncated"] is True
    assert 0 < len(found["turns"]) < 40
    assert found["turns"][-1]["inputTranscript"] == "Said 1"


@pytest.mark.parametrize("value", [b"1e999", b"9" * 5000, b"[" * 50 + b"]" * 50, b'"\\u0000"', b"-0.0"])
def test_a_member_that_is_out_of_any_range_harms_no_other(sessions: Sessions, value: bytes) -> None:
    entry = v2(state={"sessionAttributes": {"tier": "gold"}}, odd="ODD", interpretations=[{"nluConfidence": "ODD"}])
    sessions.insert(orjson.dumps(entry).replace(b'"ODD"', value))
    assert sessions.v1()["sessionAttributes"] == {"tier": "gold"}
    assert sessions.v2()["messages"] == [{"contentType": "PlainText", "content": "Reply of 10"}]
