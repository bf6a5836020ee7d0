"""What an entry says of its utterance is read leniently: whatever cannot be used counts as absent."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from pipeline.query.list_utterances.details import TEXT_INPUT, EventColumns, read_details
from tests.effort import examples
from tests.pipeline.query.session_entries import BOT, Entry, scalar, v1, v2


def columns(entry: object, mode: str = "Text") -> EventColumns:
    text = entry if isinstance(entry, str) else json.dumps(entry)
    return EventColumns("ALIASAAAA1", "7", "en_GB", "Slack", mode, "InProgress", "ElicitSlot", text)


def filled(slots: dict[str, Any]) -> tuple[str, ...]:
    return read_details(BOT, columns(v2(intent_={"slots": slots}))).filled_slots


def test_a_full_entry_has_everything() -> None:
    card = {"title": "Rooms", "buttons": [{"text": "One", "value": "1"}]}
    audio = {"contentType": "audio/l16", "duration": {"total": 900, "voice": 850, "silence": 50}}
    entry = v2(
        intent_={"slots": {"City": scalar("Rome"), "Nights": None}},
        audioProperties=audio,
        messages=[
            {"contentType": "PlainText", "content": "Hi"},
            {"contentType": "ImageResponseCard", "imageResponseCard": card},
        ],
    )
    found = read_details(BOT, columns(entry, "Speech"))
    assert (found.bot_alias_id, found.bot_version, found.locale_id, found.channel) == (
        "ALIASAAAA1",
        "7",
        "en_GB",
        "Slack",
    )
    assert (found.intent_state, found.dialog_action) == ("InProgress", "ElicitSlot")
    assert (found.input_type, found.voice_millis, found.filled_slots) == ("audio/l16", 850, ("City",))
    assert [message.content for message in found.messages] == ["Hi", UNSET]
    assert found.messages[1].image_response_card.title == "Rooms"  # type: ignore[union-attr]  # it is there
    assert found.size == len(json.dumps(entry))


@pytest.mark.parametrize(("mode", "wanted"), [("Text", TEXT_INPUT), ("Speech", ""), ("DTMF", ""), ("", "")])
def test_without_audio_the_type_is_that_of_text_or_unknown(mode: str, wanted: str) -> None:
    for audio in ({}, {"audioProperties": None}, {"audioProperties": {"contentType": 5, "duration": "long"}}):
        found = read_details(BOT, columns(v2(**audio), mode))
        assert (found.input_type, found.voice_millis) == (wanted, UNSET)


def test_slots_are_named_in_the_order_of_the_entry_if_they_or_their_parts_have_a_value() -> None:
    slots: dict[str, Any] = {
        "Z": scalar("1"),
        "Empty": None,
        "Listed": {"shape": "List", "values": [{"value": None}, scalar("2")]},
        "NoneListed": {"shape": "List", "values": [{}, None, "x"]},
        "Grouped": {"shape": "Composite", "subSlots": {"a": None, "b": {"values": [scalar("3")]}}},
        "NoneGrouped": {"shape": "Composite", "subSlots": {"a": None}},
        "Odd": {"value": {}},
        "Text": "no slot",
        "A": scalar("4"),
    }
    assert filled(slots) == ("Z", "Listed", "Grouped", "Odd", "A")


def test_an_entry_of_v1_is_read_as_v2_would_log_it() -> None:
    entry = v1(slots={"City": "Rome", "Nights": None}, botResponse="Which night?")
    found = read_details("DERIVED", columns(entry))
    assert (found.filled_slots, found.input_type) == (("City",), TEXT_INPUT)
    assert [(message.content_type, message.content) for message in found.messages] == [("PlainText", "Which night?")]


@pytest.mark.parametrize("payload", ["", "null", "[]", "{", "1e999", '{"sessionState": []}', "[" * 5000])
def test_of_a_broken_entry_the_columns_are_left(payload: str) -> None:
    found = read_details(BOT, columns(payload))
    assert (found.intent_state, found.filled_slots, found.messages) == ("InProgress", (), ())


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(300), deadline=None)
@given(slots=anything, audio=anything, messages=anything, state=anything)
def test_nothing_in_an_entry_raises(slots: object, audio: object, messages: object, state: object) -> None:
    entry: Entry = v2(intent_={"slots": slots}, audioProperties=audio, messages=messages)
    read_details(BOT, columns(entry))
    read_details(BOT, columns(entry | {"sessionState": state}))
