"""Decode what the archived entry of an utterance says beyond the row of its conversation."""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from pipeline.query.get_session.event import MESSAGES, as_v2_event
from pipeline.query.get_session.lenient import LenientType, Members, mapping, members, objects, text
from schemas.lex.session_v2 import Messages

TYPED = "Text"
"""The `inputMode` of an input that was typed."""

TEXT_INPUT = "text/plain; charset=utf-8"
"""Type of an input that was typed, as Lex's runtime calls it."""


class AudioDuration(msgspec.Struct, frozen=True):
    """`audioProperties.duration` of a log entry, in milliseconds."""

    voice: int | UnsetType = UNSET


class AudioProperties(msgspec.Struct, frozen=True, rename="camel"):
    """`audioProperties` of a log entry."""

    content_type: str | UnsetType = UNSET
    duration: AudioDuration = AudioDuration()


AUDIO = LenientType(AudioProperties)
NO_AUDIO = AudioProperties()


@dataclass(frozen=True, slots=True)
class UtteranceDetails:
    """What the event of an utterance says. Text that it does not have is empty.

    `filled_slots` has the names of the intent's slots that have a value, in the entry's order; `size` is the number of
    characters of the entry.
    """

    bot_alias_id: str
    bot_version: str
    locale_id: str
    channel: str
    intent_state: str = ""
    dialog_action: str = ""
    input_type: str = ""
    voice_millis: int | UnsetType = UNSET
    filled_slots: tuple[str, ...] = ()
    messages: Messages = ()
    size: int = 0


class EventColumns(NamedTuple):
    """The columns of the event, without those that identify it."""

    bot_alias_id: str
    bot_version: str
    locale_id: str
    channel: str
    input_mode: str
    intent_state: str
    dialog_action: str
    payload: str


def read_details(bot_id: str, event: EventColumns) -> UtteranceDetails:
    """Decode the payload of an event of this bot leniently: whatever cannot be used counts as absent."""
    entry = as_v2_event(members(event.payload), bot_id)
    audio = AUDIO.convert(entry.get("audioProperties")) or NO_AUDIO
    slots = mapping(mapping(mapping(entry.get("sessionState")).get("intent")).get("slots"))
    return UtteranceDetails(
        bot_alias_id=event.bot_alias_id,
        bot_version=event.bot_version,
        locale_id=event.locale_id,
        channel=event.channel,
        intent_state=event.intent_state,
        dialog_action=event.dialog_action,
        input_type=audio.content_type or (TEXT_INPUT if event.input_mode == TYPED else ""),
        voice_millis=audio.duration.voice,
        filled_slots=tuple(text(name) for name, slot in slots.items() if text(name) and _has_value(mapping(slot))),
        messages=MESSAGES.convert(entry.get("messages")) or (),
        size=len(event.payload),
    )


def _has_value(slot: Members) -> bool:
    """Return whether a slot, one of its list or one of its group has a value; `members` has limited the depth."""
    parts = [*objects(slot.get("values")), *map(mapping, mapping(slot.get("subSlots")).values())]
    return slot.get("value") is not None or any(map(_has_value, parts))
