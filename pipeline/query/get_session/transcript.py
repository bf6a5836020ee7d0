"""Build the transcript of a session from its events."""

from collections.abc import Sequence

from msgspec import UNSET

from pipeline.query.get_session.event import SessionEvent
from schemas.lex.transcript import GetTranscriptResponse, SpokenTurn


def transcript(events: Sequence[SessionEvent], *, truncated: bool) -> GetTranscriptResponse:
    """Build the response from events, newest first; `truncated` says that the conversation has older events."""
    last = events[0].turn
    return GetTranscriptResponse(
        bot_id=last.bot_id,
        bot_alias_id=last.bot_alias_id,
        bot_version=last.bot_version,
        locale_id=last.locale_id,
        session_id=last.session_id,
        originating_request_id=last.originating_request_id,
        turns=tuple(map(_spoken_turn, reversed(events))),
        truncated=truncated,
    )


def _spoken_turn(event: SessionEvent) -> SpokenTurn:
    turn = event.turn
    return SpokenTurn(
        timestamp=turn.timestamp / 1000,
        request_id=turn.request_id,
        messages=event.messages,
        input_transcript=event.input_transcript or UNSET,
        input_mode=turn.input_mode or UNSET,
        operation_name=turn.operation_name or UNSET,
        response_reason=turn.response_reason or UNSET,
        intent_name=turn.intent_name or UNSET,
        intent_state=turn.intent_state or UNSET,
        dialog_action_type=turn.dialog_action or UNSET,
    )
