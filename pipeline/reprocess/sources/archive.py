"""Read the archive: its ranges of conversations are the sources of a job."""

from collections.abc import AsyncIterator

import msgspec

from pipeline.reprocess.batch import InputBatch
from pipeline.store.archive import read_archived_events
from pipeline.store.connection.client import ClickHouse
from pipeline.store.key_ranges import KeyBound, Range, condition, count_events, divided, ranges
from pipeline.store.scope import Scope
from schemas.erasure import ARCHIVE, Origin
from schemas.reprocessing import Job, Position, Source, WorkUnit

EVENTS_A_SOURCE = 1_000_000


class ArchivedInput(msgspec.Struct, frozen=True, gc=False):
    """An archived event as an input."""

    data: bytes
    bot_id: str
    session_id: str
    request_id: str
    problem: str = ""

    @property
    def place(self) -> Origin:
        """The archive, where only digests identify erased events."""
        return ARCHIVE

    @property
    def origin(self) -> str:
        """The conversation of the event."""
        return f"archive {self.bot_id} {self.session_id} {self.request_id}"


def scope(job: Job) -> Scope:
    """Return the scope of the job: whole conversations with an event in its time window."""
    return Scope(job.bot_id, job.since, job.until)


async def conversations(clickhouse: ClickHouse, job: Job, size: int = EVENTS_A_SOURCE) -> list[Source]:
    """Divide the conversations into ranges of about `size` events each.

    Raises:
        TransientError: worth a second try.
    """
    parts = await ranges(clickhouse, scope(job), size)
    left = await count_events(clickhouse, scope(job))
    sources = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        total = left if last else min(size, left)
        left -= total
        sources.append(Source(f"{part.bot_id}#{number}", part.bot_id, part.after or (), part.upto or (), total))
    return sources


async def events(clickhouse: ClickHouse, job: Job, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
    """Read the rest of the unit: batches of whole conversations, with the payloads as they were received.

    Raises:
        TransientError: worth a second try.
    """
    whole = Range(unit.source.of, _place(unit.position), _place(unit.source.end))
    async for part in divided(clickhouse, whole, scope(job), size):
        turns = await read_archived_events(clickhouse, condition(part, scope(job)))
        raws = [ArchivedInput(turn.payload, turn.bot_id, turn.session_id, turn.request_id) for turn in turns]
        yield InputBatch(raws, part.upto or (), len(turns), len(turns))


def _place(position: Position) -> KeyBound | None:
    if not position:
        return None
    session, request = position
    return str(session), str(request)
