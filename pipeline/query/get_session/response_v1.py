"""Build Lex V1's GetSession response."""

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

SUMMARIES = 3
"""Intents in a response at most, as in Lex V1."""
FULFILLMENT: Mapping[str, FulfillmentState] = {name: name for name in get_args(FulfillmentState)}
ACTIONS: Mapping[str, ActionType] = {name: name for name in get_args(ActionType)}
DEFAULT_ACTION: ActionType = "Delegate"
"""V1's nearest action to V2's None and to an event without one: V1 requires an action."""
FORMATS: Mapping[str, MessageFormat] = {name: name for name in get_args(MessageFormat)}
VALUE_SEPARATOR = ", "
"""Separator of the values of a slot that has several."""


def session_v1(events: Sequence[SessionEvent], label: str | None, now: int) -> GetSessionV1Response:
    """Build the response.

    Args:
        events: the session's last event and the last of each intent that may be summarised, newest first.
        label: summarise only intents with this checkpoint label.
        now: current time in milliseconds.
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
    """Summarise the last three distinct intents, only those with `label` unless it is None; most recent first.

    An intent has the label that its last event gives it. If that gives none, a later event of V1 may: its summaries
    include the intents before it.
    """
    by_intent: dict[str, IntentSummary] = {}
    later: dict[str, str] = {}
    for event in events:
        name = event.turn.intent_name
        if name and name not in by_intent:
            by_intent[name] = _summary(event, event.labels.get(name) or later.get(name))
        later = {**event.labels, **later}
    selected = [summary for summary in by_intent.values() if label is None or summary.checkpoint_label == label]
    return tuple(selected[:SUMMARIES])


def _summary(event: SessionEvent, label: str | None) -> IntentSummary:
    intent, action = event.intent, event.dialog_action
    return IntentSummary(
        intent_name=event.turn.intent_name,
        slots=interpreted_slots(intent.slots) if intent else {},
        confirmation_status=(intent and intent.confirmation_state) or "None",
        dialog_action_type=ACTIONS.get(event.turn.dialog_action, DEFAULT_ACTION),
        checkpoint_label=label or UNSET,
        fulfillment_state=FULFILLMENT.get(event.turn.intent_state, UNSET),
        slot_to_elicit=action.slot_to_elicit if action else UNSET,
    )


def _dialog_action(last: SessionEvent) -> DialogActionV1:
    intent, action = last.intent, last.dialog_action
    message, message_format = _message(last)
    return DialogActionV1(
        type=ACTIONS.get(last.turn.dialog_action, DEFAULT_ACTION),
        intent_name=last.turn.intent_name or UNSET,
        slots=interpreted_slots(intent.slots) if intent else UNSET,
        slot_to_elicit=action.slot_to_elicit if action else UNSET,
        fulfillment_state=FULFILLMENT.get(last.turn.intent_state, UNSET),
        message=message or UNSET,
        message_format=message_format or UNSET,
    )


def _message(last: SessionEvent) -> tuple[str, MessageFormat | None]:
    """Return text and format: one message as it is, several as JSON text like Lex's message groups. V1 has no cards."""
    messages = [each for each in last.messages if each.content and each.content_type in FORMATS]
    if len(messages) > 1:
        groups = [{"type": each.content_type, "group": n, "value": each.content} for n, each in enumerate(messages)]
        return orjson.dumps({"messages": groups}).decode(), "Composite"
    return (messages[0].content or "", FORMATS[messages[0].content_type]) if messages else ("", None)


def interpreted_slots(slots: Mapping[str, Slot | None]) -> Slots:
    """Return slot name -> interpreted value."""
    return {name: interpreted(slot) for name, slot in slots.items()}


def interpreted(slot: Slot | None) -> str | None:
    """Join the filled values of a list or composite slot; return the slot's own value where there are none."""
    if slot is None:
        return None
    parts = chain(slot.values or (), (slot.sub_slots or {}).values())
    filled = [value for value in map(interpreted, parts) if value is not None]
    if filled:
        return VALUE_SEPARATOR.join(filled)
    value = slot.value.interpreted_value if slot.value else UNSET
    return None if value is UNSET else value
