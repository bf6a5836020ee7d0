"""Both tables in a database of their own: written by batches as a worker does, or by hand; audited and repaired."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from pipeline.audit.audit import Audit
from pipeline.audit.finding import Difference
from pipeline.audit.repair import repair
from pipeline.config.retention import FOR_EVER
from pipeline.config.settings import Settings
from pipeline.fold.batch import fold_batch
from pipeline.fold.cache import History
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.store.archive import read_back, write
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.conversations import read_archive_and_rows
from pipeline.store.key_ranges import EVENTS_PER_PART, single
from pipeline.store.scope import Scope
from schemas.columns import columns
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn, ConversationKey, Turn
from tests.clickhouse_runner import Use, each_by_itself
from tests.events import RULES, slow_fold

Meanwhile = Callable[[ClickHouse], Awaitable[object]]


async def nothing(_: ClickHouse) -> None:
    """Do nothing while the audit waits."""


class Tables:
    """The tables of one test."""

    def __init__(self, settings: Settings, use: Use | None = None) -> None:
        self._settings = settings
        self.use = use or each_by_itself(settings)
        self.retention = FOR_EVER

    def empty(self) -> None:
        """Empty the tables."""

        async def truncate(clickhouse: ClickHouse) -> None:
            for table in ("turns", "conversations"):
                await clickhouse.command(f"TRUNCATE TABLE {table}")

        self.use(truncate)

    def fold(self, *batches: Sequence[Turn]) -> None:
        """Process the batches like a worker without a cache."""

        async def work(clickhouse: ClickHouse) -> None:
            for batch in batches:
                await fold_and_write(clickhouse, batch)

        self.use(work)

    def put(self, *rows: Conversation, events: Sequence[Turn] = ()) -> None:
        """Write rows and events as they are; all rows of one version in their order."""

        async def by_hand(clickhouse: ClickHouse) -> None:
            await write(clickhouse, rows, archived(events))

        self.use(by_hand)

    def audit(
        self, scope: Scope | None = None, size: int = EVENTS_PER_PART, meanwhile: Meanwhile = nothing
    ) -> list[Difference]:
        """Return what the audit finds."""
        return self._audited(scope, size, meanwhile, repairing=False)[0]

    def repair(self, meanwhile: Meanwhile = nothing) -> tuple[list[Difference], int]:
        """Return what the audit finds, and how many conversations it could not repair."""
        return self._audited(None, EVENTS_PER_PART, meanwhile, repairing=True)

    def auditing(self, clickhouse: ClickHouse, pause: Callable[[], Awaitable[object]]) -> Audit:
        """Return an audit of these tables."""
        databases = Databases(self._settings, clickhouse)
        return Audit(databases, databases.live_name, ReconcileRules(RULES, retention=self.retention), pause)

    def _audited(
        self, scope: Scope | None, size: int, meanwhile: Meanwhile, *, repairing: bool
    ) -> tuple[list[Difference], int]:
        async def go(clickhouse: ClickHouse) -> tuple[list[Difference], int]:
            audit = self.auditing(clickhouse, lambda: meanwhile(clickhouse))
            found, left = list[Difference](), 0
            async for findings in audit.findings(scope or Scope(), lambda _: None, size):
                found += [difference for finding in findings for difference in finding.differences()]
                left += len(await repair(audit, findings)) if repairing else 0
            return found, left

        return self.use(go)

    def rows(self, *keys: ConversationKey) -> list[Conversation]:
        """Return the current rows, of all conversations if none are named."""

        async def see(clickhouse: ClickHouse) -> list[Conversation]:
            sql = "SELECT DISTINCT bot_id, session_id, originating_request_id FROM conversations"
            said = await read_archive_and_rows(
                clickhouse, single(keys or [tuple(key) for key in await clickhouse.rows(sql)])
            )
            return sorted((row for rows in said.rows.values() for row in rows), key=repr)

        return self.use(see)

    def events(self) -> list[Turn]:
        """Return the distinct archived events, by time."""

        async def see(clickhouse: ClickHouse) -> list[Turn]:
            rows = await clickhouse.rows(f"SELECT DISTINCT {', '.join(columns(Turn))} FROM turns")  # noqa: S608 - names of a struct's fields
            return sorted((Turn(*row) for row in rows), key=lambda one: one.order)

        return self.use(see)


async def fold_and_write(
    clickhouse: ClickHouse, batch: Sequence[Turn], payloads: Mapping[Turn, bytes] | None = None
) -> None:
    """Process a batch like a worker."""
    known = await read_back(clickhouse, list({turn.key for turn in batch}))
    histories = {turn.key: History(known.get(turn.key, ())) for turn in batch}
    folded = fold_batch(histories, batch, RULES)
    await write(clickhouse, folded.rows, archived([batch[place] for place in folded.new], payloads))


def archived(events: Sequence[Turn], payloads: Mapping[Turn, bytes] | None = None) -> list[ArchivedTurn]:
    """Return the events with their payloads, or with placeholders."""
    return [ArchivedTurn(*(*msgspec.structs.astuple(one), payloads[one] if payloads else b"{}")) for one in events]


def folded(events: Sequence[Turn]) -> list[Conversation]:
    """Return the correct rows, the slow way."""
    return sorted(slow_fold(events), key=repr)
