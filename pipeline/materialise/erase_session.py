"""Erase sessions: announce the erasure, then delete what the tables have."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import replace

import msgspec

from pipeline.materialise.reconcile import ReconcileRules, reconcile
from pipeline.runtime.errors import StatementError
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from pipeline.store.erasure_remains import bots_of, find_remains
from pipeline.store.erasures import apply, erase, load_forgotten, say, uncover
from schemas.erasure import ALL_BOTS, Erasure, Session
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

    `pause` is waited for: it should take longer than a worker takes from one look to the next, so that those who have
    not heard the word yet have written by then. To run it again is harmless, and finishes what was interrupted.

    Raises:
        TransientError: ClickHouse does not answer.
    """
    live = await databases.live()
    await say(live, [word])
    terms = replace(terms, forgotten=await load_forgotten(live))
    removed = await delete_erased(databases, await _sessions(databases, word, session_id), terms)
    for _ in range(ROUNDS):
        await pause()
        again = await delete_erased(databases, await _sessions(databases, word, session_id), terms)
        removed.add(again)
        if not again:
            break
    for name in await databases.present():
        await _unless_gone(databases, name, apply)
    return removed, not again


async def delete_erased(
    databases: Databases,
    words: Mapping[Session, Erasure],
    terms: ReconcileRules,
    written: Collection[ConversationKey] = (),
) -> Removed:
    """Delete what there is of these sessions up to the moments that are said; their later events are folded anew.

    `written` are conversations whose rows somebody may have deleted so since they were written.

    Others may be writing the same conversations. So the words are said again before these are settled: who has
    written a row that is gone looks after that, as after a replay. What shows that there is something to do is
    deleted last, so that whoever finds it half done does it again.

    Raises:
        TransientError: worth a second try.
    """
    removed, live = Removed(), await databases.live()

    async def clear_one(database: ClickHouse) -> None:
        remains = await find_remains(database, words)
        if remains:
            await uncover(database, words, remains)
            await say(live, dict.fromkeys(words.values()))
        await reconcile(database, remains.due.union(written), terms)
        if remains:
            await erase(database, words, remains)
            if remains.events or remains.rows:  # else only a row was lacking, perhaps of events that are just coming
                removed.count(name, sum(remains.events.values()), len(remains.rows))

    for name in await databases.present():
        await _unless_gone(databases, name, clear_one)
    return removed


async def _sessions(databases: Databases, word: Erasure, session_id: str) -> dict[Session, Erasure]:
    """The word as said of each bot that has known the session, or of the one that it is about."""
    bots = {word.bot_id} - {ALL_BOTS}

    async def ask(database: ClickHouse) -> None:
        bots.update(await bots_of(database, session_id))

    if not bots:
        for name in await databases.present():
            await _unless_gone(databases, name, ask)
    return {(bot_id, session_id): word for bot_id in bots}


async def _unless_gone(databases: Databases, name: str, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    """Use the database, but for one that is swapped or dropped meanwhile: there another look is needed."""
    for left in reversed(range(ATTEMPTS)):
        try:
            await use(await databases.of(name))
        except StatementError:
            if name not in await databases.present():
                return
            if not left:
                raise
        else:
            return
