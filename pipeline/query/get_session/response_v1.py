"""Lex V1's answer to where a session stands."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import get_args

import orjson
from msgspec import UNSET

from pipeline.query.get_session.event import SessionEvent
from pipeline.query.get_session.response_v2 import still_active
from schemas.lex.session_v1 import (
    ActionType,
    ActiveContextV1,
    DialogActionV1,
    FulfillmentState,
    GetSessionV1Response,
    IntentSummary,
    MessageFormat,
    Slots,
)
from schemas.lex.session_v2 import Slot

BETWEEN = ", "
"""Stands between the values of a slot that has several."""


def interpreted_slots(slots: Mapping[str, Slot | None]) -> Slots:
    """Name -> interpreted value."""
    return {name: interpreted(slot) for name, slot in slots.items()}


def interpreted(slot: Slot | None) -> str | None:
    """The values of a list or a group, those that are filled, joined; else the slot's own."""
    if slot is None:
        return None
    parts = chain(slot.values or (), (slot.sub_slots or {}).values())
    filled = [value for value in map(interpreted, parts) if value is not None]
    if filled:
        return BETWEEN.join(filled)
    value = slot.value.interpreted_value if slot.value else UNSET
    return None if value is UNSET else value


SUMMARIES = 3
FULFILLMENT: Mapping[str, FulfillmentState] = {word: word for word in get_args(FulfillmentState)}
ACTIONS: Mapping[str, ActionType] = {word: word for word in get_args(ActionType)}
OTHERWISE: ActionType = "Delegate"
"""What is nearest to V2's action None, and to an event that names none: V1 requires one."""

FORMATS: Mapping[str, MessageFormat] = {word: word for word in get_args(MessageFormat)}


def session_v1(events: Sequence[SessionEvent], label: str | None, now: int) -> GetSessionV1Response:
    """The answer.

    Args:
        events: the session's last event and the last of each intent that may be told, the newest first.
        label: tell only intents with this checkpoint label.
        now: in milliseconds.
    """
    last = events[0]
    contexts = still_active(last.active_contexts, now - last.turn.timestamp)
    return GetSessionV1Response(
        recent_intent_summary_view=summaries(events, label),
        session_attributes=last.session_attributes,
        session_id=last.turn.originating_request_id,
        dialog_action=_dialog_action(last),
        active_contexts=tuple(
            ActiveContextV1(name=each.name, time_to_live=each.time_to_live, parameters=each.context_attributes)
            for each in contexts
        ),
    )


def summaries(events: Sequence[SessionEvent], label: str | None) -> tuple[IntentSummary, ...]:
    """The last three distinct intents, of those that have `label` where one is asked for; most recent first.

    An intent has the label that its last event gives it. Where that gives none, a later event of V1 may: its
    summaries are of the intents before it, too.
    """
    found: dict[str, IntentSummary] = {}
    later: dict[str, str] = {}
    for event in events:
        name = event.turn.intent_name
        if name and name not in found:
            found[name] = _summary(event, event.labels.get(name) or later.get(name))
        later = {**event.labels, **later}
    asked = [summary for summary in found.values() if label is None or summary.checkpoint_label == label]
    return tuple(asked[:SUMMARIES])


def _summary(event: SessionEvent, label: str | None) -> IntentSummary:
    intent, action = event.intent, event.dialog_action
    return IntentSummary(
        intent_name=event.turn.intent_name,
        slots=interpreted_slots(intent.slots) if intent else {},
        confirmation_status=(intent and intent.confirmation_state) or "None",
        dialog_action_type=ACTIONS.get(event.turn.dialog_action, OTHERWISE),
        checkpoint_label=label or UNSET,
        fulfillment_state=FULFILLMENT.get(event.turn.intent_state, UNSET),
        slot_to_elicit=action.slot_to_elicit if action else UNSET,
    )


def _dialog_action(last: SessionEvent) -> DialogActionV1:
    intent, action = last.intent, last.dialog_action
    message, message_format = _message(last)
    return DialogActionV1(
        type=ACTIONS.get(last.turn.dialog_action, OTHERWISE),
        intent_name=last.turn.intent_name or UNSET,
        slots=interpreted_slots(intent.slots) if intent else UNSET,
        slot_to_elicit=action.slot_to_elicit if action else UNSET,
        fulfillment_state=FULFILLMENT.get(last.turn.intent_state, UNSET),
        message=message or UNSET,
        message_format=message_format or UNSET,
    )


def _message(last: SessionEvent) -> tuple[str, MessageFormat | None]:
    """One message is itself; several are the JSON text that Lex makes of message groups. V1 knows no cards."""
    said = [each for each in last.messages if each.content and each.content_type in FORMATS]
    if len(said) > 1:
        groups = [{"type": each.content_type, "group": n, "value": each.content} for n, each in enumerate(said)]
        return orjson.dumps({"messages": groups}).decode(), "Composite"
    return (said[0].content or "", FORMATS[said[0].content_type]) if said else ("", None)
