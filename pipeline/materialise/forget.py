"""Forgotten sessions in; the databases without anything of them, and how much that was, out."""

from collections.abc import Mapping

import msgspec

from pipeline.errors import StatementError
from pipeline.materialise.settle import Terms, settle
from pipeline.store.databases import Databases
from pipeline.store.forgotten import say
from pipeline.store.remains import delete, find
from schemas.forgotten import ForgottenSession, Session


class Removed(msgspec.Struct):
    """How many events, and conversations with rows, were found and deleted, in each database."""

    events: dict[str, int] = {}
    conversations: dict[str, int] = {}

    def add(self, database: str, events: int, conversations: int) -> None:
        """Count these too."""
        self.events[database] = self.events.get(database, 0) + events
        self.conversations[database] = self.conversations.get(database, 0) + conversations

    def __bool__(self) -> bool:
        return any(self.events.values()) or any(self.conversations.values())


async def clear(databases: Databases, words: Mapping[Session, ForgottenSession], terms: Terms) -> Removed:
    """Delete what there is of these sessions up to the moments that are said; their later events are folded anew.

    Others may be writing the same conversations. So the words are said again between the deletion and the settling:
    who writes a row before the one looks after the other, as after a replay.

    Raises:
        TransientError: worth a second try.
    """
    removed, live = Removed(), await databases.live()
    for name in await databases.present():
        try:
            database = await databases.of(name)
            if remains := await find(database, words):
                await delete(database, words, remains)
                await say(live, dict.fromkeys(words.values()))
                await settle(database, remains.lasting, terms)
                removed.add(name, sum(remains.events.values()), len(remains.rows))
        except StatementError:
            if name in await databases.present():
                raise  # else it was swapped or dropped meanwhile
    return removed
