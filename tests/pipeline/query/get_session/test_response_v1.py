"""Lex V1's response: slots as text, the last three intents, one or several messages."""

import json
from typing import Any

import pytest

from pipeline.query.get_session.lenient import LenientType
from pipeline.query.get_session.response_v1 import interpreted, interpreted_slots, session_v1, summaries
from schemas.lex.session_v2 import Slot
from tests.pipeline.query.session_entries import NOW, Entry, as_json, event, intents, scalar, v1, v2

SLOT = LenientType(Slot)


def listed(*values: Entry | None, **more: object) -> Entry:
    return {"shape": "List", "values": list(values), **more}


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        (scalar("Lisbon"), "Lisbon"),
        (scalar(""), ""),
        ({"value": {"originalValue": "lisboa", "resolvedValues": []}}, None),
        ({"shape": "Scalar", "value": None}, None),
        ({"shape": "Scalar"}, None),
        (listed(scalar("ham"), scalar("olives")), "ham, olives"),
        (listed(scalar("ham"), value={"interpretedValue": "ham and olives"}), "ham"),
        (listed(scalar("ham"), None, {"value": {}}), "ham"),
        (listed(value={"interpretedValue": "ham and olives"}), "ham and olives"),
        (listed(), None),
        ({"shape": "Composite", "subSlots": {"Street": scalar("Rua"), "No": scalar("7"), "Door": None}}, "Rua, 7"),
        ({"shape": "Composite", "subSlots": {"Door": None}}, None),
        (listed(listed(scalar("a"), scalar("b")), scalar("c")), "a, b, c"),
    ],
)
def test_a_slot_is_what_it_is_filled_with(slot: Entry, value: str | None) -> None:
    fitted = SLOT.convert(slot)
    assert isinstance(fitted, Slot)
    assert interpreted(fitted) == value


def test_slots_keep_their_names_and_order() -> None:
    fitted = LenientType(dict[str, Slot | None]).convert({"b": None, "a": scalar("x"), "c": "None", "d": 7})
    assert isinstance(fitted, dict)
    assert list(interpreted_slots(fitted).items()) == [("b", None), ("a", "x"), ("c", None), ("d", None)]


def answer(*newest_first: Entry, label: str | None = None, now: int = NOW) -> Any:
    return as_json(session_v1([event(each) for each in newest_first], label, now))


def test_every_member_of_an_open_session() -> None:
    asked = v2(10, "BookHotel", intent_={"slots": {"City": scalar("Lisbon"), "Nights": None}, "checkpointLabel": "New"})
    context = {"name": "booking", "timeToLive": {"timeToLiveInSeconds": 600, "turnsToLive": 5}}
    asked["sessionState"]["activeContexts"] = [context | {"contextAttributes": {"city": "Lisbon"}}]
    assert answer(asked) == {
        "recentIntentSummaryView": [
            {
                "intentName": "BookHotel",
                "checkpointLabel": "New",
                "slots": {"City": "Lisbon", "Nights": None},
                "confirmationStatus": "None",
                "dialogActionType": "ElicitSlot",
                "slotToElicit": "City",
            }
        ],
        "sessionAttributes": {"tier": "gold"},
        "sessionId": "origin-1",
        "dialogAction": {
            "type": "ElicitSlot",
            "intentName": "BookHotel",
            "slots": {"City": "Lisbon", "Nights": None},
            "slotToElicit": "City",
            "message": "Reply of 10",
            "messageFormat": "PlainText",
        },
        "activeContexts": [
            {
                "name": "booking",
                "timeToLive": {"timeToLiveInSeconds": 590, "turnsToLive": 5},
                "parameters": {"city": "Lisbon"},
            }
        ],
    }


@pytest.mark.parametrize(
    ("action", "expected"),
    [("Close", "Close"), ("Delegate", "Delegate"), ("None", "Delegate"), ("EndConversation", "Delegate"),
     (None, "Delegate")],
)  # fmt: skip
def test_there_always_is_a_dialog_action_of_v1(action: str | None, expected: str) -> None:
    entry = v2(state={"dialogAction": {"type": action} if action else None})
    found = answer(entry)
    assert (found["dialogAction"]["type"], found["recentIntentSummaryView"][0]["dialogActionType"]) == (
        expected,
        expected,
    )


@pytest.mark.parametrize("state", ["Fulfilled", "Failed", "ReadyForFulfillment"])
def test_an_ended_intent_has_its_fulfillment_state(state: str) -> None:
    found = answer(v2(intent_={"state": state, "confirmationState": "Confirmed"}))
    assert found["dialogAction"]["fulfillmentState"] == state
    (summary,) = found["recentIntentSummaryView"]
    assert (summary["fulfillmentState"], summary["confirmationStatus"]) == (state, "Confirmed")


@pytest.mark.parametrize("state", ["InProgress", "Waiting", "FulfillmentInProgress", "Resting", None])
def test_an_open_intent_has_no_fulfillment_state(state: str | None) -> None:
    found = answer(v2(intent_={"state": state}))
    assert "fulfillmentState" not in found["dialogAction"]
    assert "fulfillmentState" not in found["recentIntentSummaryView"][0]


def test_v1_ends_an_intent_with_its_dialog() -> None:
    found = answer(v1(dialogState="Fulfilled", slotToElicit=None))
    assert found["dialogAction"]["type"] == "Close"
    assert found["dialogAction"]["fulfillmentState"] == "Fulfilled"
    assert "slotToElicit" not in found["dialogAction"]


def test_a_last_event_without_an_intent_leaves_the_intents_before_it() -> None:
    silent = v2(5, state={"intent": None, "dialogAction": {"type": "ElicitIntent"}})
    found = answer(silent, v2(10))
    assert found["dialogAction"] == {"type": "ElicitIntent", "message": "Reply of 5", "messageFormat": "PlainText"}
    assert intents(found) == ["BookHotel"]


CARD = {"contentType": "ImageResponseCard", "imageResponseCard": {"title": "Rooms"}}


def said(kind: str, content: object) -> Entry:
    return {"contentType": kind, "content": content}


@pytest.mark.parametrize(
    ("messages", "message", "kind"),
    [
        ([said("SSML", "<speak/>")], "<speak/>", "SSML"),
        ([said("CustomPayload", "{}"), CARD], "{}", "CustomPayload"),
        ([said("PlainText", "a"), said("PlainText", ""), said("Telex", "b"), said("SSML", 3), "c"], "a", "PlainText"),
        ([CARD], None, None),
        ([], None, None),
        (None, None, None),
        ("hello", None, None),
    ],
)
def test_one_message_is_itself(messages: object, message: str | None, kind: str | None) -> None:
    action = answer(v2(messages=messages))["dialogAction"]
    assert (action.get("message"), action.get("messageFormat")) == (message, kind)


def test_several_messages_are_composite() -> None:
    action = answer(v2(messages=[said("PlainText", 'a "b"'), CARD, said("SSML", "é")]))["dialogAction"]
    assert action["messageFormat"] == "Composite"
    assert json.loads(action["message"]) == {
        "messages": [
            {"type": "PlainText", "group": 0, "value": 'a "b"'},
            {"type": "SSML", "group": 1, "value": "é"},
        ]
    }


def test_the_last_three_distinct_intents_each_as_its_last_event_left_it() -> None:
    entries = [v2(10 + n, name, intent_={"slots": {"n": scalar(str(n))}}) for n, name in enumerate("ABACBDE")]
    found = answer(*entries)
    assert intents(found) == ["A", "B", "C"]
    assert [summary["slots"] for summary in found["recentIntentSummaryView"]] == [{"n": "0"}, {"n": "1"}, {"n": "3"}]


def test_the_label_chooses_before_the_three_are_taken() -> None:
    labels = dict.fromkeys("BDFGH", "Paid") | {"C": "paid", "E": "Unpaid"}
    entries = [v2(10 + n, name, intent_={"checkpointLabel": labels.get(name)}) for n, name in enumerate("ABCDEFGH")]
    assert intents(answer(*entries, label="Paid")) == ["B", "D", "F"]
    assert intents(answer(*entries, label="Unpaid")) == ["E"]
    assert intents(answer(*entries, label="Nobody")) == []
    assert answer(*entries, label="Nobody")["dialogAction"]["intentName"] == "A"


def view(**labels: str) -> list[Entry]:
    return [{"intentName": name, "checkpointLabel": label} for name, label in labels.items()]


def labels_told(*newest_first: Entry) -> dict[str, object]:
    summarised = summaries([event(each) for each in newest_first], None)
    return {each.intent_name: each.checkpoint_label or None for each in summarised}


def test_an_intents_own_last_event_gives_its_label_and_else_a_later_one_of_v1() -> None:
    assert labels_told(v1(1, "A", recentIntentSummaryView=view(A="x"))) == {"A": "x"}
    later = v1(1, "A", recentIntentSummaryView=view(B="later"))
    assert labels_told(later, v2(2, "B", intent_={"checkpointLabel": "own"})) == {"A": None, "B": "own"}
    assert labels_told(later, v2(2, "B")) == {"A": None, "B": "later"}
    middle = v1(2, "C", recentIntentSummaryView=view(B="middle"))
    assert labels_told(later, middle, v1(3, "B")) == {"A": None, "C": None, "B": "later"}


def test_labels_of_older_events_do_not_apply() -> None:
    assert labels_told(v1(1, "A"), v1(2, "B", recentIntentSummaryView=view(A="x"))) == {"A": None, "B": None}
