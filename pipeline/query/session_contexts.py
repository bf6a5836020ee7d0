"""Contexts as an event left them, and the time since, in; those still active, with what is left of their life, out."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET

from schemas.lex.session_v2 import ActiveContext


def still_active(contexts: Sequence[ActiveContext], passed: int) -> tuple[ActiveContext, ...]:
    """The contexts that are active `passed` milliseconds after the event, which may lie ahead of the clock.

    A life without a number of seconds ends with the session.
    """
    return tuple(_living(contexts, max(0, passed)))


def _living(contexts: Sequence[ActiveContext], passed: int) -> Iterator[ActiveContext]:
    for context in contexts:
        life = context.time_to_live
        seconds, turns = life.time_to_live_in_seconds, life.turns_to_live
        if turns is not UNSET and turns <= 0:
            continue
        if seconds is not UNSET:
            seconds = -((passed - seconds * 1000) // 1000)  # rounded up: what is still there has a second left
            if seconds <= 0:
                continue
        yield msgspec.structs.replace(
            context, time_to_live=msgspec.structs.replace(life, time_to_live_in_seconds=seconds)
        )
