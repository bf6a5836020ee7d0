"""Find the conversations of a scope whose rows differ from the fold of their archived events, and confirm each."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec

from pipeline.audit.finding import Finding, findings
from pipeline.materialise.erase_session import delete_erased
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.conversations import read_archive_and_rows
from pipeline.store.erasures import has_erasures, load_erasures
from pipeline.store.key_ranges import EVENTS_PER_PART, parts, single
from pipeline.store.scope import Scope
from pipeline.store.unexplained_rows import rows_newer_than
from schemas.erasure import digest
from schemas.turn import ConversationKey

MAX_CONFIRMATIONS = 4
"""Attempts to confirm a suspect; a conversation that has changed at each of them is skipped."""
MAX_SUSPECTS = 20_000
"""Conversations that wait for confirmation at most: about 30 MB."""
KEYS_PER_READ = 5_000
"""Keys in one query. Rows are not sorted by session, so a query reads the keys of all rows of a bot: few large
queries are cheaper."""


class Counts(msgspec.Struct):
    """Counts of audited data. `unsettled` conversations changed at each attempt to confirm them."""

    conversations: int = 0
    events: int = 0
    unsettled: int = 0


class Audit:
    """An audit of archive and rows while workers may be writing both.

    A worker writes rows before events, so between the two a row is rightly ahead of the archive. The audit therefore
    reads a suspect twice more, with a pause between, and reports a finding only if events, rows and versions stayed
    the same.
    """

    def __init__(
        self, databases: Databases, name: str, rules: ReconcileRules, pause: Callable[[], Awaitable[object]]
    ) -> None:
        """Audit the database `name`, with erasures that are loaded again for each read.

        `pause` is awaited; it should take many times as long as a worker takes from one insert to the other.
        """
        self._databases = databases
        self._name = name
        self._rules = rules
        self._pause = pause
        self.counts = Counts()

    async def findings(
        self, scope: Scope, progress: Callable[[Counts], None], size: int = EVENTS_PER_PART
    ) -> AsyncIterator[list[Finding]]:
        """Yield all findings of `scope`, in lists of bounded length; call `progress` after every `size` events.

        Raises:
            TransientError: ClickHouse does not answer. StatementError: the tables do not exist.
        """
        suspects: list[Finding] = []
        clickhouse = await self.database()
        async for part in parts(clickhouse, scope, size):
            data = await read_archive_and_rows(clickhouse, part)
            await self._load_erasures(data.keys)
            suspects += findings(data, self._rules, now_ms()).values()
            self.counts.conversations += len(data.keys)
            self.counts.events += sum(map(len, data.events.values()))
            progress(self.counts)
            if len(suspects) >= MAX_SUSPECTS:
                yield await self.confirm(suspects)
                suspects = []
        yield await self.confirm(suspects)

    async def confirm(self, suspects: Iterable[Finding]) -> list[Finding]:
        """Return those of `suspects` that are the same in two reads with a pause between them."""
        before = await self.read_findings(suspects)
        confirmed: list[Finding] = []
        for _ in range(MAX_CONFIRMATIONS):
            if not before:
                break
            await self._pause()
            now = await self.read_findings(before.values())
            confirmed += (finding for key, finding in now.items() if finding == before[key])
            before = {key: finding for key, finding in now.items() if finding != before[key]}
        self.counts.unsettled += len(before)
        return sorted(confirmed, key=lambda finding: finding.key)

    async def read_findings(self, suspects: Iterable[Finding]) -> Mapping[ConversationKey, Finding]:
        """Read the conversations of `suspects` again, and return their findings, with rows of greater versions."""
        current: dict[ConversationKey, Finding] = {}
        clickhouse = await self.database()
        for keys in _bounded(suspects):
            await self._load_erasures(keys)
            current |= findings(await read_archive_and_rows(clickhouse, single(keys)), self._rules, now_ms())
        for place in await rows_newer_than(clickhouse, {key: finding.version for key, finding in current.items()}):
            finding = current[place.key]
            current[place.key] = msgspec.structs.replace(finding, newer=(*finding.newer, place))
        return current

    async def database(self) -> ClickHouse:
        """Return the connection to the audited database."""
        return await self._databases.of(self._name)

    async def delete_erased(self, findings: Iterable[Finding]) -> None:
        """Delete the data of erased sessions among the findings from all databases."""
        keys = [finding.key for finding in findings if finding.erased_at is not None]
        for first in range(0, len(keys), KEYS_PER_READ):
            chunk = keys[first : first + KEYS_PER_READ]
            await self._load_erasures(chunk)
            await delete_erased(self._databases, {key[:2] for key in chunk}, self._rules, suspects=chunk)

    async def _load_erasures(self, keys: Iterable[ConversationKey]) -> None:
        """Load the erasures of the sessions of these conversations."""
        live = await self._databases.live()
        sessions = {digest(key[1]) for key in keys} if await has_erasures(live) else ()
        self._rules = replace(self._rules, erasures=await load_erasures(live, sessions))


def _bounded(suspects: Iterable[Finding]) -> Iterator[list[ConversationKey]]:
    """Divide the keys of `suspects` into lists for one query each, bounded in keys and, where possible, in events."""
    keys: list[ConversationKey] = []
    events = 0
    for suspect in suspects:
        if len(keys) >= KEYS_PER_READ or events >= EVENTS_PER_PART:
            yield keys
            keys, events = [], 0
        keys.append(suspect.key)
        events += max(0, suspect.version)
    if keys:
        yield keys
