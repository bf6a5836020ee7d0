"""Conversations that several processes may have written in; rows that are the fold of their archived events out."""

import logging
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from pipeline.config.retention import FOR_GOOD, Retention
from pipeline.fold.conversation import fold
from pipeline.materialise.closed import incomplete
from pipeline.materialise.recall import recall
from pipeline.store.client import ClickHouse
from pipeline.store.in_force import rows_in_force
from schemas.conversation import Conversation
from schemas.erasure import ErasureList
from schemas.turn import ConversationKey

KEYS_AT_ONCE = 5_000
ROUNDS = 20
"""Looks at a conversation that others change each time."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Terms:
    """What decides on rows beside the archive: the fold's rules, who is forgotten, and what has expired."""

    fallback_intents: Collection[str]
    forgotten: ErasureList = field(default_factory=ErasureList)
    retention: Retention = FOR_GOOD


async def settle(clickhouse: ClickHouse, keys: Iterable[ConversationKey], terms: Terms) -> set[ConversationKey]:
    """Write the rows that are not what the archive says, until they are; the conversations for which that was so.

    Whoever shares conversations with other writers calls this after its events are in the archive. The last one
    whose events got there then sees all of them, and what it writes has the greatest version. Since rows that it
    reads may be about to be replaced, it looks again at what it has written: nobody leaves a row of old events
    behind.

    Raises:
        TransientError: worth a second try.
    """
    changed: set[ConversationKey] = set()
    left = list(dict.fromkeys(keys))
    for _ in range(ROUNDS):
        if not left:
            break
        again: list[ConversationKey] = []
        for first in range(0, len(left), KEYS_AT_ONCE):
            rows = await _due(clickhouse, left[first : first + KEYS_AT_ONCE], terms)
            await clickhouse.insert("conversations", rows)
            again += dict.fromkeys((row.bot_id, row.session_id, row.originating_request_id) for row in rows)
        changed.update(again)
        left = again
    if left:
        log.warning("%d conversations were being written at every look, such as one of bot %s", len(left), left[0][0])
    return changed


async def _due(clickhouse: ClickHouse, keys: Sequence[ConversationKey], terms: Terms) -> list[Conversation]:
    known = await recall(clickhouse, keys, terms.forgotten)
    for key in await incomplete(clickhouse, known, terms.retention):
        del known[key]
    in_force = await rows_in_force(clickhouse, {key: {moment for moment, *_ in known[key].events} for key in known})
    return [
        row
        for key, known_of in known.items()
        for row in due(
            fold(known_of.events.values(), terms.fallback_intents, len(known_of.lesser)), in_force.get(key, ())
        )
    ]


def due(right: Conversation, in_force: Collection[Conversation]) -> Iterator[Conversation]:
    """What to write so that `right` is the only row, where `in_force` are those that a query sees.

    Where one of them is of more events, that is left as it is, and only the others are taken back: its writer knows
    more, and is about to archive it. Those others it need not know of.
    """
    if right not in in_force and all(row.version <= right.version for row in in_force):
        yield right
    for row in in_force:
        if row.start != right.start and row.version <= right.version:
            yield msgspec.structs.replace(right, start=row.start, is_deleted=1)
