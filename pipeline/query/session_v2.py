"""The last event of a session and the time in; Lex V2's answer to where the session stands out."""

from pipeline.query.session_contexts import still_active
from pipeline.query.session_event import Event
from schemas.lex.session_v2 import GetSessionResponse, SessionState


def session_v2(last: Event, now: int) -> GetSessionResponse:
    """The answer at `now`, in milliseconds."""
    turn = last.turn
    return GetSessionResponse(
        session_id=turn.session_id,
        messages=last.messages,
        interpretations=last.interpretations,
        session_state=SessionState(
            active_contexts=still_active(last.active_contexts, now - turn.timestamp),
            session_attributes=last.session_attributes,
            originating_request_id=turn.originating_request_id,
            dialog_action=last.dialog_action,
            intent=last.intent,
            runtime_hints=last.runtime_hints,
        ),
    )
