"""A turn of the archive and its payload, of Lex V2 or V1, in; what a session is told from out, in V2's shapes."""

from collections.abc import Mapping

import msgspec
from msgspec import UnsetType

from pipeline.query.get_session.event_v1 import as_v2, summary_labels
from pipeline.query.get_session.lenient import Members, Shape, mapping, members, objects, text
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

INTENT = Shape(Intent)
DIALOG_ACTION = Shape(DialogAction)
MESSAGES: Shape[Messages] = Shape(Messages)
INTERPRETATIONS: Shape[Interpretations] = Shape(Interpretations)
CONTEXTS: Shape[ActiveContexts] = Shape(ActiveContexts)
ATTRIBUTES: Shape[Attributes] = Shape(Attributes)
HINTS = Shape(RuntimeHints)


class SessionEvent(msgspec.Struct, frozen=True):
    """One event. `labels` are the checkpoint labels that it gives to intents, by their names: V1's to several.

    The life of its contexts is as it was when the event was logged; `size` is the length of the payload.
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
    """The event of `turn`. Where the payload says nothing that can be used, the turn's own columns are left.

    What intent and state an event has, and what the bot does next, is what was understood when it came in,
    and so the turn's word counts.
    """
    told = members(payload)
    is_v2 = mapping(told.get("bot")).get("id") == turn.bot_id
    entry = told if is_v2 else as_v2(told)
    state = mapping(entry.get("sessionState"))
    intent = mapping(state.get("intent"))
    action = mapping(state.get("dialogAction"))
    return SessionEvent(
        turn=turn,
        intent=INTENT.fit({**intent, "name": turn.intent_name, "state": turn.intent_state}),
        labels=_label(turn.intent_name, intent) if is_v2 else summary_labels(told),
        dialog_action=DIALOG_ACTION.fit({**action, "type": turn.dialog_action}),
        messages=MESSAGES.fit(entry.get("messages")) or (),
        interpretations=INTERPRETATIONS.fit(_scored(entry)) or (),
        active_contexts=CONTEXTS.fit(state.get("activeContexts")) or (),
        session_attributes=ATTRIBUTES.fit(state.get("sessionAttributes")) or {},
        runtime_hints=HINTS.fit(state.get("runtimeHints")),
        input_transcript=text(entry.get("inputTranscript")),
        size=len(payload),
    )


def _label(intent_name: str, intent: Members) -> dict[str, str]:
    label = text(intent.get("checkpointLabel"))
    return {intent_name: label} if label else {}


def _scored(entry: Members) -> list[Members]:
    """The interpretations with their confidence as the API has it: an object, where logs have a bare number."""
    return [
        {**each, "nluConfidence": mapping(score := each.get("nluConfidence")) or {"score": score}}
        for each in objects(entry.get("interpretations"))
    ]
