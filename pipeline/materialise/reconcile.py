"""Reconcile the rows of conversations with their archived events."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from pipeline.config.retention import FOR_EVER, MAX_CONVERSATION_DAYS, Retention
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.materialise.histories import unerased_events
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse
from pipeline.store.conversations import current_rows, row_starts_since
from schemas.conversation import Conversation
from schemas.erasure import ErasureList
from schemas.fold_rules import FoldRules
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey

KEYS_AT_ONCE = 5_000
"""Conversations that are read and written at a time."""
ROUNDS = 20
"""Attempts to reconcile a conversation whose rows other writers change each time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReconcileRules:
    """What determines the rows besides the archived events: fold rules, erasures and retention."""

    fold: FoldRules
    erasures: ErasureList = field(default_factory=ErasureList)
    retention: Retention = FOR_EVER


async def expired_conversations(
    clickhouse: ClickHouse, known: Mapping[ConversationKey, EventSet], retention: Retention
) -> set[ConversationKey]:
    """Return the conversations whose rows contain expired events, which are not `known` and cannot be folded again.

    Events expire one by one, and the row stays. A fold of the remaining events, or of one that arrives late, would
    write another row with a later start, and the conversation would be listed twice. So such rows stay as they are.

    Only conversations with an event near the archive's cutoff are queried.

    Raises:
        TransientError: worth a second try.
    """
    if retention.keeps_all_events:
        return set()
    now = now_ms()
    old = {key: events for key, events in known.items() if retention.is_past_cutoff(key[0], min(events.events)[0], now)}
    if not old:
        return set()
    since = min(min(events.events)[0] for events in old.values()) - int(MAX_CONVERSATION_DAYS * DAY_MS)
    moments = {key: {moment for moment, *_ in events.events} for key, events in old.items()}
    return {
        key
        for key, start, version in await row_starts_since(clickhouse, list(old), max(0, since))
        if start not in moments[key] or version > old[key].version
    }


async def reconcile(
    clickhouse: ClickHouse, keys: Iterable[ConversationKey], rules: ReconcileRules
) -> set[ConversationKey]:
    """Write rows until they are the fold of the archived events; return the conversations whose rows differed.

    A writer that shares conversations with other writers calls this after its events are in the archive. The last
    writer whose events got there then sees the events of all, and its row has the greatest version. The rows that it
    reads may be about to be replaced, so it reads the conversations that it has written again: no writer leaves a row
    of old events behind. If a written row is not current then, a row of more events hides it. To write it again would
    change nothing: the writer of the other row is about to archive its events, and reconciles the conversation after
    that.

    Raises:
        TransientError: worth a second try.
    """
    changed: set[ConversationKey] = set()
    left = list(dict.fromkeys(keys))
    written: dict[ConversationKey, Conversation] = {}
    for _ in range(ROUNDS):
        if not left:
            break
        again: dict[ConversationKey, Conversation] = {}
        for first in range(0, len(left), KEYS_AT_ONCE):
            rows = await _rows_to_write(clickhouse, left[first : first + KEYS_AT_ONCE], rules, written)
            await clickhouse.insert("conversations", rows)
            again |= {row.key: row for row in reversed(rows)}
        changed.update(again)
        left, written = [*again], {key: row for key, row in again.items() if not row.is_deleted}
    if left:
        log.warning(
            "%d conversations still differ from the archive after %d rounds, for instance one of bot %s: "
            "another writer keeps changing their rows",
            len(left),
            ROUNDS,
            left[0][0],
        )
    return changed


async def _rows_to_write(
    clickhouse: ClickHouse,
    keys: Sequence[ConversationKey],
    rules: ReconcileRules,
    written: Mapping[ConversationKey, Conversation],
) -> list[Conversation]:
    archived = await unerased_events(clickhouse, keys, rules.erasures)
    known = {key: EventSet(turns) for key, turns in archived.items()}
    for key in await expired_conversations(clickhouse, known, rules.retention):
        del known[key]
    moments = {key: {moment for moment, *_ in events.events} for key, events in known.items()}
    current = await current_rows(clickhouse, moments)
    return [
        row
        for key, events in known.items()
        for row in rows_to_write(
            fold(events.events.values(), rules.fold, len(events.lesser)), current.get(key, ()), written.get(key)
        )
    ]


def rows_to_write(
    right: Conversation, current: Collection[Conversation], written: Conversation | None = None
) -> Iterator[Conversation]:
    """Yield the rows to write so that `right` becomes the only current row of its conversation.

    A current row of more events is left alone, and only the others are taken back: the writer of that row has more
    events and is about to archive them, and may not know of the other rows.

    Args:
        right: the fold of the archived events.
        current: the current rows.
        written: the row that was written in the previous round. If it equals `right` and is not current, it is hidden
            by a row of more events, and would stay hidden.
    """
    hidden = right == written and all(row.start != right.start for row in current)
    if not hidden and right not in current and all(row.version <= right.version for row in current):
        yield right
    for row in current:
        if row.start != right.start and row.version <= right.version:
            yield msgspec.structs.replace(right, start=row.start, is_deleted=1)
