"""Erase sessions: announce the erasure, then delete what the tables have."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from functools import partial

import msgspec

from pipeline.materialise.erased_data import find_erased_data
from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.runtime.errors import StatementError, TransientError
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
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
"""Looks at a session that comes again each time."""
ATTEMPTS = 3
"""Databases of a name may come and go."""


class Removed(msgspec.Struct):
    """How many events, and conversations with rows, were found and deleted, in each database."""

    events: dict[str, int] = {}
    conversations: dict[str, int] = {}

    def count(self, database: str, events: int, conversations: int) -> None:
        """Count these too."""
        self.events[database] = self.events.get(database, 0) + events
        self.conversations[database] = self.conversations.get(database, 0) + conversations

    def add(self, other: "Removed") -> None:
        """Count the other's too."""
        for database, events in other.events.items():
            self.count(database, events, other.conversations[database])

    def __bool__(self) -> bool:
        return bool(self.events)


async def erase_session(
    databases: Databases, word: Erasure, session_id: str, terms: ReconcileRules, pause: Callable[[], Awaitable[object]]
) -> tuple[Removed, bool]:
    """Say the word and delete what it means, everywhere; what that was, and whether nothing comes again.

    All that is archived once it is said goes, whatever it is dated. `pause` is waited for: it should take longer than a
    worker takes from one look to the next, so that those who have not heard the word yet have written by then. They
    know from where their events have come, and so which of them to delete. To run it again is harmless: it finishes
    what was interrupted, and forgets what has come since.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    live, removed = await databases.live(), Removed()
    known = await load_erasures(live, [word.session])
    await announce(live, [word.superseding(known.find(word.bot_id, session_id))])
    sessions = await _sessions(databases, word, session_id)
    await _everywhere(databases, partial(_register, live, sessions))
    for number in range(ROUNDS + 1):
        if number:
            await pause()
            sessions = await _sessions(databases, word, session_id)
        of_now = replace(terms, forgotten=await load_erasures(live, [word.session]))
        found, again = await delete_erased(databases, sessions, of_now)
        removed.add(found)
        if number and not again:
            break
    await _everywhere(databases, apply_deleted_masks)
    return removed, not again


async def delete_erased(
    databases: Databases,
    sessions: Collection[Session],
    terms: ReconcileRules,
    *,
    suspects: Collection[ConversationKey] | None = None,
    written: Collection[ConversationKey] = (),
) -> tuple[Removed, bool]:
    """Delete what there is of the events of these sessions that are forgotten; the others are folded anew.

    Return what was deleted, and whether anything was deleted or written: then the caller looks again. What is settled
    may have been read before others registered and deleted some of it, so that a row of it comes after their looks.

    `suspects` are conversations, None for all, in which a row that tells of more events than there are is one of
    forgotten events. `written` are those whose rows somebody may have deleted so since they were written.

    Others may be writing the same conversations. So the words are said again before these are settled: who has
    written a row that is gone looks after that, as after a replay. What shows that there is something to do is
    deleted last, so that whoever finds it half done does it again.

    Raises:
        TransientError: worth a second try.
    """
    removed, again, live = Removed(), False, await databases.live()

    async def clear_one(database: ClickHouse) -> None:
        nonlocal again
        remains = await find_erased_data(database, sessions, terms.forgotten, suspects)
        if remains:
            await delete_erased_rows(database, remains)
            words = [word for session in sessions for word in terms.forgotten.find(*session)]
            await announce(live, dict.fromkeys(words))
        again |= bool(await reconcile(database, remains.due.union(written), terms))
        if remains:
            await delete_erased_events(database, remains)
            again |= bool(remains.events or remains.rows)
            if remains.events or remains.rows:  # else only a row was lacking, perhaps of events that are just coming
                removed.count(name, remains.count, len(remains.rows))

    for name in await databases.present():
        if not await _use(databases, name, clear_one):
            again = True  # what was written there may have gone into other tables than those that were read
    return removed, again


async def _sessions(databases: Databases, word: Erasure, session_id: str) -> set[Session]:
    """The session as each bot has it that has known it, or the one that the word is about."""
    bots = {word.bot_id} - {ALL_BOTS}

    async def ask(database: ClickHouse) -> None:
        bots.update(await find_bots(database, session_id))

    if not bots:
        await _everywhere(databases, ask)
    return {(bot_id, session_id) for bot_id in bots}


async def _register(live: ClickHouse, sessions: Collection[Session], database: ClickHouse) -> None:
    """Let all events that a database has of these sessions be forgotten."""
    events = (turn for turns in (await read_archived(database, sessions)).values() for turn in turns)
    await register_erased_events(live, {ErasedEvent(digest(turn.session_id), event_digest(turn)) for turn in events})


async def _everywhere(databases: Databases, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    """Use all databases, and again while a cutover exchanges or drops tables meanwhile. `use` may be repeated.

    Raises:
        TransientError: tables were exchanged each time.
    """
    for _ in range(ATTEMPTS):
        if all([await _use(databases, name, use) for name in await databases.present()]):
            return
    raise TransientError("tables are exchanged again and again; try once more when the cutover is over")


async def _use(databases: Databases, name: str, use: Callable[[ClickHouse], Awaitable[None]]) -> bool:
    """Use a database, and return whether it was there all the time.

    Raises:
        StatementError: a statement fails in a database that stays.
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
