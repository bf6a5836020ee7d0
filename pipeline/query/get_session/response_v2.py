"""Build Lex V2's GetSession response, and find the contexts that are still active."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET

from pipeline.query.get_session.event import SessionEvent
from schemas.lex.session_v2 import ActiveContext, GetSessionResponse, SessionState


def still_active(contexts: Sequence[ActiveContext], passed: int) -> tuple[ActiveContext, ...]:
    """Return the contexts that are active `passed` milliseconds after the event.

    `passed` is negative if the event lies ahead of the clock. A time to live without seconds ends with the session.
    """
    return tuple(_active(contexts, max(0, passed)))


def _active(contexts: Sequence[ActiveContext], passed: int) -> Iterator[ActiveContext]:
    for context in contexts:
        ttl = context.time_to_live
        seconds, turns = ttl.time_to_live_in_seconds, ttl.turns_to_live
        if turns is not UNSET and turns <= 0:
            continue
        if seconds is not UNSET:
            seconds = -((passed - seconds * 1000) // 1000)  # rounded up: an active context has a second left
            if seconds <= 0:
                continue
        yield msgspec.structs.replace(
            context, time_to_live=msgspec.structs.replace(ttl, time_to_live_in_seconds=seconds)
        )


def session_v2(last: SessionEvent, now: int) -> GetSessionResponse:
    """Build the response at `now`, in milliseconds."""
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
