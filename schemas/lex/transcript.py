"""What was said in a session so far, as the query layer tells it: a list of turns, which Lex has no operation for."""

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.lex.session_v2 import Messages

MOST_TURNS = 1000
"""Turns of one answer."""

MaxTurns = Annotated[int, Meta(ge=1, le=MOST_TURNS, description="1 to 1000: the last so many turns, 100 if absent")]
Seconds = Annotated[float, Meta(description="epoch seconds, milliseconds as the fraction")]


class _Response(msgspec.Struct, frozen=True, rename="camel"):
    """What the server sends: a member that is UNSET is left out."""


class SpokenTurn(_Response, frozen=True):
    """One event: what the user said, what the bot made of it, and what it said."""

    timestamp: Seconds
    request_id: str
    messages: Messages
    input_transcript: str | UnsetType = UNSET
    input_mode: str | UnsetType = UNSET
    operation_name: str | UnsetType = UNSET
    response_reason: str | UnsetType = UNSET
    intent_name: str | UnsetType = UNSET
    intent_state: str | UnsetType = UNSET
    dialog_action_type: str | UnsetType = UNSET


class GetTranscriptResponse(_Response, frozen=True):
    """The turns of a session's current conversation, the oldest first; where `truncated`, older ones are left out."""

    bot_id: str
    bot_alias_id: str
    bot_version: str
    locale_id: str
    session_id: str
    originating_request_id: str
    turns: tuple[SpokenTurn, ...]
    truncated: bool
