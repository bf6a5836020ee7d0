"""Conversations and the events that are known of them in; those of which the archive has lost events out."""

from collections.abc import Mapping

from pipeline.config.retention import LONGEST_DAYS, Retention
from pipeline.fold.event_set import EventSet
from pipeline.runtime.clock import now_ms
from pipeline.store.client import ClickHouse
from pipeline.store.in_force import rows_since
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey


async def incomplete(
    clickhouse: ClickHouse, known: Mapping[ConversationKey, EventSet], retention: Retention
) -> set[ConversationKey]:
    """The conversations whose rows tell of events that are not `known` any more: nobody can fold them again.

    Events expire one by one, and a row stays. What is left of them, or comes late, would make another row with
    a later start, and the conversation would be listed twice. So such rows stay as they are.

    Only conversations with an event near the end of the archive's time are looked at.

    Raises:
        TransientError: worth a second try.
    """
    if retention.archives_for_good:
        return set()
    now = now_ms()
    closed = {key: one for key, one in known.items() if retention.closed(key[0], min(one.events)[0], now)}
    if not closed:
        return set()
    since = min(min(one.events)[0] for one in closed.values()) - int(LONGEST_DAYS * DAY_MS)
    moments = {key: {moment for moment, *_ in one.events} for key, one in closed.items()}
    return {
        key
        for key, start, version in await rows_since(clickhouse, list(closed), max(0, since))
        if start not in moments[key] or version > closed[key].version
    }
