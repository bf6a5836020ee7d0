"""Define the wire format of GetTranscript: the turns of a session so far. Lex itself has no such operation."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from schemas.lex.session_v2 import Messages, SessionResponse

MAX_TURNS = 1000
"""Largest number of turns in one response."""

MaxTurns = Annotated[int, Meta(ge=1, le=MAX_TURNS, description="1 to 1000: the last so many turns, 100 if absent")]
Seconds = Annotated[float, Meta(description="epoch seconds, milliseconds as the fraction")]


class SpokenTurn(SessionResponse, frozen=True):
    """One event: the user's input, how the bot interpreted it, and the bot's messages."""

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


class GetTranscriptResponse(SessionResponse, frozen=True):
    """The turns of a session's current conversation, the oldest first; if `truncated`, older ones are omitted."""

    bot_id: str
    bot_alias_id: str
    bot_version: str
    locale_id: str
    session_id: str
    originating_request_id: str
    turns: tuple[SpokenTurn, ...]
    truncated: bool
