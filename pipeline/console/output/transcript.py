"""Show the events of a conversation as turns: what was said, and what the machine thought of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson
from msgspec import UNSET

from pipeline.console.output.downloads import TableRow
from pipeline.query.conversation import ArchivedEvent, ConversationPage
from pipeline.query.get_session.event import SessionEvent
from schemas.lex.session_v2 import Interpretation, Message, Slot

MAX_ENTRY = 16_384
"""Characters of a log entry that a page shows; a longer one is on a page of its own."""
ORDINALS = {1: "1st", 2: "2nd", 3: "3rd"}


@dataclass(frozen=True, slots=True)
class TurnView:
    """A log entry as the page shows it.

    Attributes:
        number: from 1.
        event: the event.
        note: what happened where nobody said anything.
        confidence: of the intent, 0 to 1; None where the log has none.
        runner_up: the next likely intent and its confidence.
        filled: slots that this turn has filled or changed, with their values.
        asks: what the bot asks for next, such as `City (2nd time)`.
        pause: milliseconds since the entry before; None for the first one.
        entry: the raw entry, indented; empty if it is too long.
        entry_size: characters of the raw entry.
    """

    number: int
    event: SessionEvent
    note: str
    confidence: float | None
    runner_up: Interpretation | None
    filled: Mapping[str, str]
    asks: str
    pause: int | None
    entry: str
    entry_size: int


def turn_views(page: ConversationPage) -> list[TurnView]:
    """Build the turns of a page."""
    views: list[TurnView] = []
    before = page.before.timestamp if page.before else None
    slots: Mapping[str, str] = {}
    intent, asked, times = "", "", 0
    for index, archived in enumerate(page.events):
        event = archived.event
        now = _slots(event)
        known = slots if event.turn.intent_name == intent else {}
        filled = {name: value for name, value in now.items() if known.get(name) != value}
        if index == 0 and page.before:
            filled = {}  # what was filled before the page is not known here
        times = times + 1 if (asks := _asks(event)) and asks == asked else 1
        views.append(_view(archived, filled, _told(asks, times), before))
        intent, slots, asked, before = event.turn.intent_name, now, asks, event.turn.timestamp
    return views


def _view(archived: ArchivedEvent, filled: Mapping[str, str], asks: str, before: int | None) -> TurnView:
    event = archived.event
    turn = event.turn
    said = event.input_transcript or event.messages
    note = "" if said else turn.operation_name or turn.response_reason or turn.input_mode or "no text"
    return TurnView(
        number=archived.index + 1,
        event=event,
        note=note,
        confidence=_confidence(event),
        runner_up=_runner_up(event),
        filled=filled,
        asks=asks,
        pause=None if before is None else max(0, turn.timestamp - before),
        entry=_indented(archived.entry) if len(archived.entry) <= MAX_ENTRY else "",
        entry_size=len(archived.entry),
    )


def _confidence(event: SessionEvent) -> float | None:
    for each in event.interpretations:
        if each.intent.name == event.turn.intent_name and each.nlu_confidence is not UNSET:
            return each.nlu_confidence.score
    return None


def _runner_up(event: SessionEvent) -> Interpretation | None:
    """Return the likeliest other intent that has a confidence."""
    others = (each for each in event.interpretations if each.intent.name != event.turn.intent_name)
    return next((each for each in others if each.nlu_confidence is not UNSET), None)


def _slots(event: SessionEvent) -> dict[str, str]:
    """Return the values of the filled slots of the event's intent."""
    intent = event.intent
    if intent is UNSET:
        return {}
    return {name: text for name, slot in intent.slots.items() if slot and (text := _slot_text(slot))}


def _slot_text(slot: Slot) -> str:
    if slot.value is not UNSET:
        value = slot.value
        return value.interpreted_value or value.original_value or ""
    if slot.values is not UNSET:
        return ", ".join(filter(None, map(_slot_text, slot.values)))
    if slot.sub_slots is not UNSET:
        parts = ((name, _slot_text(each)) for name, each in slot.sub_slots.items() if each)
        return ", ".join(f"{name} = {text}" for name, text in parts if text)
    return ""


def _asks(event: SessionEvent) -> str:
    action = event.dialog_action
    if action is UNSET:
        return ""
    if action.type == "ElicitSlot":
        return action.slot_to_elicit or "a slot"
    return {"ConfirmIntent": "to confirm", "ElicitIntent": "for an intent"}.get(action.type, "")


def _told(asks: str, times: int) -> str:
    return f"{asks} ({ORDINALS.get(times, f'{times}th')} time)" if asks and times > 1 else asks


def _indented(entry: str) -> str:
    """Indent JSON; what is none is shown as it is."""
    try:
        return orjson.dumps(orjson.loads(entry), option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONDecodeError:
        return entry


def message_text(message: Message) -> str:
    """Write a message as text, a card with its buttons included."""
    card = message.image_response_card
    if card is UNSET:
        return message.content or f"[{message.content_type}]"
    buttons: Sequence[str] = [f"[{button.text}]" for button in card.buttons or ()]
    lines = [message.content, card.title, card.subtitle, card.image_url, " ".join(buttons)]
    return "\n".join(line for line in lines if line)


def csv_rows(view: TurnView) -> Iterator[TableRow]:
    """Yield a row for the user's text and for each message of the bot."""
    turn = view.event.turn
    common = {
        "timestamp": turn.timestamp / 1000,
        "intent": turn.intent_name,
        "state": turn.intent_state,
        "missed": turn.missed_utterance,
        "requestId": turn.request_id,
    }
    if view.event.input_transcript:
        yield {**common, "who": "user", "text": view.event.input_transcript}
    for message in view.event.messages:
        yield {**common, "who": "bot", "text": message_text(message)}
    if view.note:
        yield {**common, "who": "", "text": view.note}
