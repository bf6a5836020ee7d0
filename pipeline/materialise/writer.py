"""What a batch was folded to in; written to the live tables, and to new ones beside them while there are any."""

from collections.abc import Collection, Sequence

from pipeline.errors import StatementError
from pipeline.materialise.settle import settle
from pipeline.settings import Settings
from pipeline.store.beside import new_database
from pipeline.store.client import ClickHouse
from pipeline.store.surroundings import Surroundings, Table, look_around
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

    async def write(
        self, rows: Sequence[Conversation], events: Sequence[ArchivedTurn], keys: Collection[ConversationKey]
    ) -> bool:
        """Write what a batch came to; may be repeated. Whether what is remembered of any conversation still holds.

        It does as long as nobody else has written since the last call.

        Raises:
            TransientError: worth a second try.
        """
        live, before = await self.live(), await self.seen()
        now = before
        while True:
            tables = now.tables
            if now.beside(self._new_name):
                await self._write_beside(tables, rows, events)
            await write(live, rows, events)
            now = await look_around(live, self._new_name)
            if now.tables == tables:
                break
        alone = now.alone_since(before) and now.tables == before.tables
        if not alone:
            await settle(live, keys, self._settings.fallback_intents)
        self._seen = now  # only here: a second try must compare with the same as the first
        return alone

    async def close(self) -> None:
        """Give the connections back."""
        for connection in (self._live, self._new):
            if connection is not None:
                await connection.close()

    async def _write_beside(
        self, tables: tuple[Table, ...], rows: Sequence[Conversation], events: Sequence[ArchivedTurn]
    ) -> None:
        try:
            if self._new is None:
                self._new = await ClickHouse.connect(self._settings, database=self._new_name)
            await write(self._new, rows, events)
        except StatementError:
            # they may just have been swapped in or dropped, which the next look sees
            if (await look_around(await self.live(), self._new_name)).tables == tables:
                raise
