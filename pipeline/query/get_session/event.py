"""Decode an archived turn and its payload, of Lex V2 or V1, into an event with V2's types."""

from collections.abc import Mapping

import msgspec
from msgspec import UnsetType

from pipeline.query.get_session.event_v1 import as_v2, summary_labels
from pipeline.query.get_session.lenient import LenientType, Members, mapping, members, objects, text
from schemas.lex.session_v2 import (
    ActiveContexts,
    Attributes,
    DialogAction,
    Intent,
    Interpretations,
    Messages,
    RuntimeHints,
)
from schemas.turn import Turn

INTENT = LenientType(Intent)
DIALOG_ACTION = LenientType(DialogAction)
MESSAGES: LenientType[Messages] = LenientType(Messages)
INTERPRETATIONS: LenientType[Interpretations] = LenientType(Interpretations)
CONTEXTS: LenientType[ActiveContexts] = LenientType(ActiveContexts)
ATTRIBUTES: LenientType[Attributes] = LenientType(Attributes)
HINTS = LenientType(RuntimeHints)


class SessionEvent(msgspec.Struct, frozen=True):
    """An event of a session.

    `labels` are the checkpoint labels that it gives to intents, by intent name; an event of V1 may label several.
    `active_contexts` have the time to live of when the event was logged. `size` is the length of the payload.
    """

    turn: Turn
    intent: Intent | UnsetType
    labels: Mapping[str, str]
    dialog_action: DialogAction | UnsetType
    messages: Messages
    interpretations: Interpretations
    active_contexts: ActiveContexts
    session_attributes: Attributes
    runtime_hints: RuntimeHints | UnsetType
    input_transcript: str
    size: int


def read_event(turn: Turn, payload: str) -> SessionEvent:
    """Decode the event of `turn`. Where the payload holds nothing usable, only the turn's own columns are set.

    Intent, state and dialog action are those that were decoded at ingestion, so the turn's columns take precedence.
    """
    entry = members(payload)
    event = as_v2_event(entry, turn.bot_id)
    state = mapping(event.get("sessionState"))
    intent = mapping(state.get("intent"))
    action = mapping(state.get("dialogAction"))
    return SessionEvent(
        turn=turn,
        intent=INTENT.convert({**intent, "name": turn.intent_name, "state": turn.intent_state}),
        labels=_label(turn.intent_name, intent) if event is entry else summary_labels(entry),
        dialog_action=DIALOG_ACTION.convert({**action, "type": turn.dialog_action}),
        messages=MESSAGES.convert(event.get("messages")) or (),
        interpretations=INTERPRETATIONS.convert(_scored(event)) or (),
        active_contexts=CONTEXTS.convert(state.get("activeContexts")) or (),
        session_attributes=ATTRIBUTES.convert(state.get("sessionAttributes")) or {},
        runtime_hints=HINTS.convert(state.get("runtimeHints")),
        input_transcript=text(event.get("inputTranscript")),
        size=len(payload),
    )


def as_v2_event(entry: Members, bot_id: str) -> Members:
    """Return the members of an entry of this bot as V2 logs them: itself, or those that V1's are converted to."""
    return entry if mapping(entry.get("bot")).get("id") == bot_id else as_v2(entry)


def _label(intent_name: str, intent: Members) -> dict[str, str]:
    label = text(intent.get("checkpointLabel"))
    return {intent_name: label} if label else {}


def _scored(entry: Members) -> list[Members]:
    """Return the interpretations with `nluConfidence` as the API has it: an object, where logs have a bare number."""
    return [
        {**each, "nluConfidence": mapping(score := each.get("nluConfidence")) or {"score": score}}
        for each in objects(entry.get("interpretations"))
    ]
