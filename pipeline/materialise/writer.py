"""What a batch was folded to in; written to the live tables, and to new ones beside them while there are any."""

from collections.abc import Collection, Sequence

from pipeline.errors import StatementError
from pipeline.materialise.settle import settle
from pipeline.settings import Settings
from pipeline.store.beside import new_database
from pipeline.store.client import ClickHouse
from pipeline.store.surroundings import Surroundings, Tables, has_both, look_around
from pipeline.store.write import write
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey


class Writer:
    """Writes for one worker, among other writers: replays into the live tables, and rebuilds beside them.

    It looks around after every write. Where the tables are not those that it wrote to, it writes again; so when
    new tables are filled, and when they are swapped in, they have every event that the live ones have. Those
    are written first, so that nothing a query has seen is missing after the swap.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._new_name = new_database(settings)
        self._live: ClickHouse | None = None
        self._new: ClickHouse | None = None
        self._seen: Surroundings | None = None

    async def live(self) -> ClickHouse:
        """The connection to the tables that are queried.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        if self._live is None:
            self._live = await ClickHouse.connect(self._settings)
        return self._live

    async def seen(self) -> Surroundings:
        """What was so after the last write; before the first one, what is so.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        if self._seen is None:
            self._seen = await look_around(await self.live(), self._new_name)
        return self._seen

    async def tables(self) -> Tables:
        """The tables to write to now. What has been seen stays what it was: that counts from the last write on.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        await self.seen()
        return (await look_around(await self.live(), self._new_name)).tables

    async def write_rows(self, tables: Tables, rows: Sequence[Conversation]) -> None:
        """Write rows to `tables`; may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        await self._write(tables, rows, (), ())

    async def write_archive(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> bool:
        """Archive events whose rows `tables` have; may be repeated.

        Returns whether nobody else has written since the last call. Where the tables have become others meanwhile,
        these get rows and events. Tables beside the live ones get the events too that the live archive has already
        (`known`): who wrote them there may have died before it looked.

        Raises:
            TransientError: worth a second try.
        """
        before = await self.seen()
        await self._write(tables, (), new, known)
        while (now := await look_around(await self.live(), self._new_name)).tables != tables:
            tables = now.tables
            await self._write(tables, rows, [*new, *known], ())
        alone = now.alone_since(before) and now.tables == before.tables
        self._seen = now
        return alone

    async def settle(self, keys: Collection[ConversationKey]) -> None:
        """Make the live rows of conversations that others have written too what their events say.

        Raises:
            TransientError: worth a second try.
        """
        await settle(await self.live(), keys, self._settings.fallback_intents)

    async def close(self) -> None:
        """Give the connections back."""
        for connection in (self._live, self._new):
            if connection is not None:
                await connection.close()

    async def _write(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> None:
        if has_both(tables, self._new_name):
            await self._write_beside(tables, rows, [*new, *known])
        await write(await self.live(), rows, new)

    async def _write_beside(self, tables: Tables, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
        try:
            if self._new is None:
                self._new = await ClickHouse.connect(self._settings, database=self._new_name)
            await write(self._new, rows, events)
        except StatementError:
            # they may just have been swapped in or dropped, which the next look sees
            if (await look_around(await self.live(), self._new_name)).tables == tables:
                raise
