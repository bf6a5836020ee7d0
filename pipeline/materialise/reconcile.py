"""Make the rows of conversations what their archived events say."""

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from pipeline.config.retention import FOR_EVER, MAX_CONVERSATION_DAYS, Retention
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.materialise.histories import unerased_events
from pipeline.runtime.clock import now_ms
from pipeline.store.client import ClickHouse
from pipeline.store.conversations import current_rows, row_starts_since
from schemas.conversation import Conversation
from schemas.erasure import ErasureList
from schemas.fold_rules import FoldRules
from schemas.topics import DAY_MS
from schemas.turn import ConversationKey


async def expired_conversations(
    clickhouse: ClickHouse, known: Mapping[ConversationKey, EventSet], retention: Retention
) -> set[ConversationKey]:
    """The conversations whose rows tell of events that are not `known` any more: nobody can fold them again.

    Events expire one by one, and a row stays. What is left of them, or comes late, would make another row with
    a later start, and the conversation would be listed twice. So such rows stay as they are.

    Only conversations with an event near the end of the archive's time are looked at.

    Raises:
        TransientError: worth a second try.
    """
    if retention.keeps_all_events:
        return set()
    now = now_ms()
    closed = {key: one for key, one in known.items() if retention.is_past_cutoff(key[0], min(one.events)[0], now)}
    if not closed:
        return set()
    since = min(min(one.events)[0] for one in closed.values()) - int(MAX_CONVERSATION_DAYS * DAY_MS)
    moments = {key: {moment for moment, *_ in one.events} for key, one in closed.items()}
    return {
        key
        for key, start, version in await row_starts_since(clickhouse, list(closed), max(0, since))
        if start not in moments[key] or version > closed[key].version
    }


KEYS_AT_ONCE = 5_000
ROUNDS = 20
"""Looks at a conversation that others change each time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReconcileRules:
    """What decides on rows beside the archive: the fold's rules, who is forgotten, and what has expired."""

    fold: FoldRules
    forgotten: ErasureList = field(default_factory=ErasureList)
    retention: Retention = FOR_EVER


async def reconcile(
    clickhouse: ClickHouse, keys: Iterable[ConversationKey], terms: ReconcileRules
) -> set[ConversationKey]:
    """Write the rows that are not what the archive says, until they are; the conversations for which that was so.

    Whoever shares conversations with other writers calls this after its events are in the archive. The last one
    whose events got there then sees all of them, and what it writes has the greatest version. Since rows that it
    reads may be about to be replaced, it looks again at what it has written: nobody leaves a row of old events
    behind. A row that does not show then is hidden by one of more events. To write it again would change nothing:
    who wrote that other one is about to archive those events, and settles the conversation after that.

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
            rows = await _rows_to_write(clickhouse, left[first : first + KEYS_AT_ONCE], terms, written)
            await clickhouse.insert("conversations", rows)
            again |= {row.key: row for row in reversed(rows)}
        changed.update(again)
        left, written = [*again], {key: row for key, row in again.items() if not row.is_deleted}
    if left:
        log.warning("%d conversations were being written at every look, such as one of bot %s", len(left), left[0][0])
    return changed


async def _rows_to_write(
    clickhouse: ClickHouse,
    keys: Sequence[ConversationKey],
    terms: ReconcileRules,
    written: Mapping[ConversationKey, Conversation],
) -> list[Conversation]:
    archived = await unerased_events(clickhouse, keys, terms.forgotten)
    known = {key: EventSet(turns) for key, turns in archived.items()}
    for key in await expired_conversations(clickhouse, known, terms.retention):
        del known[key]
    in_force = await current_rows(clickhouse, {key: {moment for moment, *_ in known[key].events} for key in known})
    return [
        row
        for key, known_of in known.items()
        for row in rows_to_write(
            fold(known_of.events.values(), terms.fold, len(known_of.lesser)),
            in_force.get(key, ()),
            written.get(key),
        )
    ]


def rows_to_write(
    right: Conversation, in_force: Collection[Conversation], written: Conversation | None = None
) -> Iterator[Conversation]:
    """What to write so that `right` is the only row, where `in_force` are those that a query sees.

    Where it is what was `written` just before, and nothing shows in its place, it is hidden, and stays so.

    Where one of them is of more events, that is left as it is, and only the others are taken back: its writer knows
    more, and is about to archive it. Those others it need not know of.
    """
    hidden = right == written and all(row.start != right.start for row in in_force)
    if not hidden and right not in in_force and all(row.version <= right.version for row in in_force):
        yield right
    for row in in_force:
        if row.start != right.start and row.version <= right.version:
            yield msgspec.structs.replace(right, start=row.start, is_deleted=1)
