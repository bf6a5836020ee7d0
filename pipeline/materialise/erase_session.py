"""Erase sessions: announce the erasure, then delete what the tables have of them."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial

import msgspec

from pipeline.materialise.erased_data import find_erased_data
from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.runtime.errors import StatementError, TransientError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.erased_data import find_bots, read_archived
from pipeline.store.erasures import (
    announce,
    apply_deleted_masks,
    delete_erased_events,
    delete_erased_rows,
    load_erasures,
    register_erased_events,
)
from schemas.erasure import ALL_BOTS, ErasedEvent, Erasure, Session, digest, event_digest
from schemas.turn import ConversationKey

ROUNDS = 10
"""Deletions that are repeated, at most, for a session that is written again each time."""
ATTEMPTS = 3
"""Attempts to use a database that a cutover creates, exchanges or drops meanwhile."""


class Removed(msgspec.Struct):
    """Numbers of deleted events, and of conversations whose rows were deleted, by database."""

    events: dict[str, int] = {}
    conversations: dict[str, int] = {}

    def count(self, database: str, events: int, conversations: int) -> None:
        """Add the numbers to those of `database`."""
        self.events[database] = self.events.get(database, 0) + events
        self.conversations[database] = self.conversations.get(database, 0) + conversations

    def add(self, other: "Removed") -> None:
        """Add the numbers of `other`."""
        for database, events in other.events.items():
            self.count(database, events, other.conversations[database])

    def __bool__(self) -> bool:
        return bool(self.events)


async def erase_session(
    databases: Databases,
    erasure: Erasure,
    session_id: str,
    rules: ReconcileRules,
    pause: Callable[[], Awaitable[object]],
) -> tuple[Removed, bool]:
    """Announce the erasure, and delete its events and rows from every database.

    Every event that is archived at the time of the announcement is erased, whatever its date. `pause` is awaited
    between deletions. It should take longer than a worker takes from one poll of the writer state to the end of the
    last flush that uses it, so that workers that do not know of the erasure yet have written by then. Workers know the
    origins of their events, and so which of them to delete. A repeated call is harmless: it finishes an interrupted
    erasure, and erases events that have arrived since.

    Returns:
        The deleted events and rows, and whether the last round found nothing more to delete.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    live, removed = await databases.live(), Removed()
    known = await load_erasures(live, [erasure.session])
    await announce(live, [erasure.superseding(known.find(erasure.bot_id, session_id))])
    sessions = await _sessions(databases, erasure, session_id)
    await _use_all(databases, partial(_register, live, sessions))
    for number in range(ROUNDS + 1):
        if number:
            await pause()
            sessions = await _sessions(databases, erasure, session_id)
        current = replace(rules, erasures=await load_erasures(live, [erasure.session]))
        deleted, dirty = await delete_erased(databases, sessions, current)
        removed.add(deleted)
        if number and not dirty:
            break
    await _use_all(databases, apply_deleted_masks)
    return removed, not dirty


async def delete_erased(
    databases: Databases,
    sessions: Collection[Session],
    rules: ReconcileRules,
    *,
    suspects: Collection[ConversationKey] | None = None,
    written: Collection[ConversationKey] = (),
) -> tuple[Removed, bool]:
    """Delete the erased events of `sessions`, and fold the remaining events of their conversations again.

    Other writers may be writing the same conversations. Therefore the erasures are announced again before the
    conversations are reconciled: a writer whose row was deleted then reconciles it, as after a replay. The events,
    which show that there is something to delete, are deleted last, so that an interrupted deletion is found and
    repeated.

    Args:
        databases: the databases to delete from.
        sessions: the sessions, of which there may be erasures.
        rules: the rules to fold by, with the erasures of the sessions.
        suspects: conversations in which a row of more events than the archive has is taken for a row of erased
            events; None for all.
        written: conversations whose rows another process may have deleted since they were written.

    Returns:
        The deleted events and rows, and whether anything was deleted or written. In that case, the caller has to call
        this again: `reconcile` may have read events before another process registered and deleted some of them, and
        may write a row of these after that process is done.

    Raises:
        TransientError: worth a second try.
    """
    removed, dirty, live = Removed(), False, await databases.live()

    async def delete_from(database: ClickHouse) -> None:
        nonlocal dirty
        erased_data = await find_erased_data(database, sessions, rules.erasures, suspects)
        if erased_data:
            await delete_erased_rows(database, erased_data)
            erasures = [erasure for session in sessions for erasure in rules.erasures.find(*session)]
            await announce(live, dict.fromkeys(erasures))
        dirty |= bool(await reconcile(database, erased_data.due.union(written), rules))
        if erased_data:
            await delete_erased_events(database, erased_data)
            if erased_data.events or erased_data.rows:  # else only a row was missing, perhaps of arriving events
                dirty = True
                removed.count(name, erased_data.count, len(erased_data.rows))

    for name in await databases.present():
        if not await _use(databases, name, delete_from):
            dirty = True  # rows may have been written into other tables than those that were read
    return removed, dirty


async def _sessions(databases: Databases, erasure: Erasure, session_id: str) -> set[Session]:
    """Return the session of the erasure's bot, or of each bot that has one with this id."""
    bots = {erasure.bot_id} - {ALL_BOTS}

    async def collect_bots(database: ClickHouse) -> None:
        bots.update(await find_bots(database, session_id))

    if not bots:
        await _use_all(databases, collect_bots)
    return {(bot_id, session_id) for bot_id in bots}


async def _register(live: ClickHouse, sessions: Collection[Session], database: ClickHouse) -> None:
    """Register all events that `database` has of the sessions as erased."""
    events = (turn for turns in (await read_archived(database, sessions)).values() for turn in turns)
    await register_erased_events(live, {ErasedEvent(digest(turn.session_id), event_digest(turn)) for turn in events})


async def _use_all(databases: Databases, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    """Call `use` with every database, and again if a cutover exchanged or dropped tables meanwhile.

    Raises:
        TransientError: tables were exchanged each time.
    """
    for _ in range(ATTEMPTS):
        if all([await _use(databases, name, use) for name in await databases.present()]):
            return
    raise TransientError("a cutover keeps exchanging tables; try again when it has finished")


async def _use(databases: Databases, name: str, use: Callable[[ClickHouse], Awaitable[None]]) -> bool:
    """Call `use` with a database, and return whether the first attempt succeeded; `use` may be repeated.

    Raises:
        StatementError: a statement fails although the database exists.
    """
    for left in reversed(range(ATTEMPTS)):
        try:
            await use(await databases.of(name))
        except StatementError:
            if name not in await databases.present():
                return False
            if not left:
                raise
        else:
            return left == ATTEMPTS - 1
    return False
