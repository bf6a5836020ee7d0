"""What a batch was folded to in; written to the live tables, and to new ones beside them while there are any."""

from collections.abc import Collection, Sequence

from pipeline.config.retention import Retention
from pipeline.config.settings import Settings
from pipeline.materialise.after import After
from pipeline.materialise.watch import Seen, Watch
from pipeline.runtime.errors import StatementError
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from pipeline.store.surroundings import Surroundings, Tables, has_both
from pipeline.store.write import write
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey


class Writer:
    """Writes for one worker, among other writers: replays into the live tables, and rebuilds beside them.

    It looks around after every write. Where the tables are not those that it wrote to, it writes again; so when
    new tables are filled, and when they are swapped in, they have every event that the live ones have. Those
    are written first, so that nothing a query has seen is missing after the swap.
    """

    def __init__(self, settings: Settings, databases: Databases | None = None) -> None:
        self._databases = databases or Databases(settings)
        self._watch = Watch(self._databases)
        self._after = After(self._databases, self._watch, settings.fallback_intents, Retention.of(settings))
        self._seen: Seen | None = None

    async def live(self) -> ClickHouse:
        """The connection to the tables that are queried.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return await self._databases.live()

    async def seen(self) -> Surroundings:
        """What was so after the last write; before the first one, what is so.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return (await self._last()).around

    async def look(self) -> Seen:
        """What is so now: the tables to write to, and who is forgotten.

        What has been `seen` stays what it was: that counts from the last write on.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        await self._last()
        return await self._watch.look()

    async def is_beside(self) -> bool:
        """Return whether the last write went into new tables, too, beside the live ones.

        Raises:
            TransientError: ClickHouse does not answer.
        """
        return has_both((await self.seen()).tables, self._databases.new_name)

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

        Returns whether nobody else has written or forgotten anything since the last call. Where the tables have
        become others meanwhile, these get rows and events. Tables beside the live ones get the events too that the
        live archive has already (`known`): who wrote them there may have died before it looked.

        Raises:
            TransientError: worth a second try.
        """
        before = await self.seen()
        await self._write(tables, (), new, known)
        while (now := await self._watch.look()).around.tables != tables:
            tables = now.around.tables
            await self._write(tables, rows, [*new, *known], ())
        alone = now.around.alone_since(before) and now.around.tables == before.tables
        self._seen = now
        return alone

    async def put_right(
        self,
        written: Collection[ConversationKey],
        met: Collection[ConversationKey],
        *,
        shared: bool,
        unsure: Collection[ConversationKey] = (),
    ) -> None:
        """Make the tables right where others have written the same conversations, or sessions were forgotten.

        The `unsure` ones are looked at even where nobody but workers writes.

        Raises:
            TransientError: worth a second try.
        """
        await self._after.put_right(written, met, await self._last(), shared=shared, unsure=unsure)

    async def close(self) -> None:
        """Give the connections back."""
        await self._databases.close()

    async def _last(self) -> Seen:
        if self._seen is None:
            self._seen = await self._watch.look()
        return self._seen

    async def _write(
        self,
        tables: Tables,
        rows: Sequence[Conversation],
        new: Sequence[ArchivedTurn],
        known: Sequence[ArchivedTurn],
    ) -> None:
        if has_both(tables, self._databases.new_name):
            await self._write_beside(tables, rows, [*new, *known])
        await write(await self.live(), rows, new)

    async def _write_beside(self, tables: Tables, rows: Sequence[Conversation], events: Sequence[ArchivedTurn]) -> None:
        try:
            await write(await self._databases.of(self._databases.new_name), rows, events)
        except StatementError:
            # they may just have been swapped in or dropped, which the next look sees
            if (await self._watch.look()).around.tables == tables:
                raise
