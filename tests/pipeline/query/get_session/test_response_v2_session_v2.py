from pipeline.query.get_session.response_v2 import session_v2
from tests.pipeline.query.session_entries import NOW, Entry, as_json, event, scalar, v1, v2


def context(name: str, seconds: int, attributes: Entry) -> Entry:
    return {
        "name": name,
        "timeToLive": {"timeToLiveInSeconds": seconds, "turnsToLive": 5},
        "contextAttributes": attributes,
    }


def test_every_member_is_as_the_last_event_left_it() -> None:
    entry = v2(
        intent_={"slots": {"City": scalar("Lisbon"), "Nights": None}, "checkpointLabel": "is of V1"},
        interpretations=[
            {"nluConfidence": "0.81", "interpretationSource": "Lex", "intent": {"name": "BookHotel", "slots": {}}},
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        state={
            "activeContexts": [
                context("a", 60, {"b": "c"}),
                context("b", 10, {}),
            ],
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Nights", "slotElicitationStyle": "SpellByWord"},
            "runtimeHints": {"slotHints": {}},
        },
    )
    assert as_json(session_v2(event(entry), NOW)) == {
        "sessionId": "user-1",
        "messages": [{"contentType": "PlainText", "content": "Reply of 10"}],
        "interpretations": [
            {
                "nluConfidence": {"score": 0.81},
                "interpretationSource": "Lex",
                "intent": {"name": "BookHotel", "slots": {}},
            },
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        "sessionState": {
            "originatingRequestId": "origin-1",
            "sessionAttributes": {"tier": "gold"},
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "Nights", "slotElicitationStyle": "SpellByWord"},
            "intent": {
                "name": "BookHotel",
                "state": "InProgress",
                "confirmationState": "None",
                "slots": {"City": scalar("Lisbon"), "Nights": None},
            },
            "activeContexts": [
                context("a", 50, {"b": "c"}),
            ],
            "runtimeHints": {"slotHints": {}},
        },
    }


def test_a_bare_event_has_empty_lists_and_no_null() -> None:
    entry = v2(messages=None, state={"intent": None, "dialogAction": None, "sessionAttributes": None})
    assert as_json(session_v2(event(entry), NOW)) == {
        "sessionId": "user-1",
        "messages": [],
        "interpretations": [],
        "sessionState": {"originatingRequestId": "origin-1", "sessionAttributes": {}, "activeContexts": []},
    }


def test_an_event_of_v1_is_told_in_v2s_words() -> None:
    entry = v1(slots={"City": "Lisbon", "Nights": None}, nluIntentConfidence="0.91")
    found = as_json(session_v2(event(entry), NOW))
    slots = {"City": {"shape": "Scalar", "value": {"interpretedValue": "Lisbon"}}, "Nights": None}
    assert found["interpretations"] == [
        {"intent": {"name": "BookHotel", "slots": slots}, "nluConfidence": {"score": 0.91}}
    ]
    assert found["sessionState"]["intent"] == {"name": "BookHotel", "state": "InProgress", "slots": slots}
    assert found["sessionState"]["dialogAction"] == {"type": "ElicitSlot", "slotToElicit": "City"}
    assert found["messages"] == [{"contentType": "PlainText", "content": "Reply of 10"}]
