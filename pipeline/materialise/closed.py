"""Conversations and the events that are known of them in; those of which the archive has lost events out."""

from collections.abc import Collection, Mapping

from pipeline.clock import now_ms
from pipeline.retention import LONGEST_DAYS, Retention
from pipeline.store.client import ClickHouse
from pipeline.store.in_force import rows_since
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey

Identity = tuple[int, str, str]


async def incomplete(
    clickhouse: ClickHouse, known: Mapping[ConversationKey, Collection[Identity]], retention: Retention
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
    closed = {key: events for key, events in known.items() if retention.closed(key[0], min(events)[0], now)}
    if not closed:
        return set()
    since = min(min(events)[0] for events in closed.values()) - int(LONGEST_DAYS * DAY_MS)
    moments = {key: {moment for moment, *_ in events} for key, events in closed.items()}
    return {
        key
        for key, start, version in await rows_since(clickhouse, list(closed), max(0, since))
        if start not in moments[key] or version > len(closed[key])
    }
