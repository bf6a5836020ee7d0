"""A scope in; the conversations in it whose rows are not the fold of their archived events out, confirmed."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import replace

import msgspec

from pipeline.audit.finding import Finding, findings
from pipeline.materialise.erase_session import delete_erased
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.runtime.clock import now_ms
from pipeline.store.client import ClickHouse
from pipeline.store.conversations import read_archive_and_rows, rows_newer_than
from pipeline.store.databases import Databases
from pipeline.store.erasures import has_erasures, load_erasures
from pipeline.store.key_ranges import EVENTS_PER_PART, Scope, parts, single
from schemas.erasure import digest
from schemas.turn import ConversationKey

LOOKS = 4
"""Looks after the first; a conversation that has changed at each of them is left alone."""
SUSPECTS = 20_000
"""Conversations that wait for their second look: about 30 MB."""
KEYS_PER_LOOK = 5_000
"""Rows are not sorted by session, so that each look reads the keys of all rows of a bot: few and large ones."""


class Counts(msgspec.Struct):
    """What has been looked at: `unsettled` conversations were written to at every look."""

    conversations: int = 0
    events: int = 0
    unsettled: int = 0


class Audit:
    """Compares archive and rows while workers may be writing both.

    A worker writes rows before events, so between the two a row is ahead of the archive, rightly. What the first
    look suspects is therefore looked at twice more, with a pause between, and is a finding only where events,
    rows and versions stayed the same.
    """

    def __init__(
        self, databases: Databases, name: str, terms: ReconcileRules, pause: Callable[[], Awaitable[object]]
    ) -> None:
        """Of the database of that `name`; who is forgotten, is asked for anew.

        `pause` is waited for: it should take many times what a worker takes from one insert to the other.
        """
        self._databases = databases
        self._name = name
        self._terms = terms
        self._pause = pause
        self.counts = Counts()

    async def findings(
        self, scope: Scope, progress: Callable[[Counts], None], size: int = EVENTS_PER_PART
    ) -> AsyncIterator[list[Finding]]:
        """All findings of `scope`, in lists of a bounded length; `progress` is told after every `size` events.

        Raises:
            TransientError: ClickHouse does not answer. StatementError: it has no such tables.
        """
        suspects: list[Finding] = []
        clickhouse = await self.database()
        async for part in parts(clickhouse, scope, size):
            said = await read_archive_and_rows(clickhouse, part)
            await self._learn(said.keys)
            suspects += findings(said, self._terms, now_ms()).values()
            self.counts.conversations += len(said.keys)
            self.counts.events += sum(map(len, said.events.values()))
            progress(self.counts)
            if len(suspects) >= SUSPECTS:
                yield await self.confirm(suspects)
                suspects = []
        yield await self.confirm(suspects)

    async def confirm(self, suspects: Iterable[Finding]) -> list[Finding]:
        """Those of `suspects` that are the same at two looks, the pause between them."""
        seen = await self.inspect_again(suspects)
        confirmed: list[Finding] = []
        for _ in range(LOOKS):
            if not seen:
                break
            await self._pause()
            now = await self.inspect_again(seen.values())
            confirmed += (finding for key, finding in now.items() if finding == seen[key])
            seen = {key: finding for key, finding in now.items() if finding != seen[key]}
        self.counts.unsettled += len(seen)
        return sorted(confirmed, key=lambda finding: finding.key)

    async def inspect_again(self, suspects: Iterable[Finding]) -> Mapping[ConversationKey, Finding]:
        """What is to be found of the conversations of `suspects` now, versions included."""
        found: dict[ConversationKey, Finding] = {}
        clickhouse = await self.database()
        for some in _bounded(suspects):
            await self._learn(some)
            found |= findings(await read_archive_and_rows(clickhouse, single(some)), self._terms, now_ms())
        for place in await rows_newer_than(clickhouse, {key: one.version for key, one in found.items()}):
            finding = found[place.key]
            found[place.key] = msgspec.structs.replace(finding, newer=(*finding.newer, place))
        return found

    async def database(self) -> ClickHouse:
        """The connection to the database that is audited."""
        return await self._databases.of(self._name)

    async def delete_erased(self, found: Iterable[Finding]) -> None:
        """Delete what there is of forgotten sessions, from all databases."""
        keys = [finding.key for finding in found if finding.forgotten is not None]
        for first in range(0, len(keys), KEYS_PER_LOOK):
            some = keys[first : first + KEYS_PER_LOOK]
            await self._learn(some)
            await delete_erased(self._databases, {key[:2] for key in some}, self._terms, suspects=some)

    async def _learn(self, keys: Iterable[ConversationKey]) -> None:
        """Ask who of these is forgotten."""
        live = await self._databases.live()
        sessions = {digest(key[1]) for key in keys} if await has_erasures(live) else ()
        self._terms = replace(self._terms, forgotten=await load_erasures(live, sessions))


def _bounded(suspects: Iterable[Finding]) -> Iterator[list[ConversationKey]]:
    """The keys of `suspects`, in lists for one query each: bounded in keys and, as far as may be, in events."""
    keys: list[ConversationKey] = []
    events = 0
    for suspect in suspects:
        if len(keys) >= KEYS_PER_LOOK or events >= EVENTS_PER_PART:
            yield keys
            keys, events = [], 0
        keys.append(suspect.key)
        events += max(0, suspect.version)
    if keys:
        yield keys
