"""Read a Kinesis data stream: its shards are the sources of a job, parents before their children."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

import msgspec

from pipeline.aws.aggregated import user_records
from pipeline.aws.kinesis import AFTER, AT, CLOSED, OLDEST, DataStream, IteratorExpiredError, Records
from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from pipeline.reprocess.sources.cloudwatch import pull_of
from pipeline.reprocess.sources.inputs import AwsInput, aws_inputs
from pipeline.runtime.clock import now_ms
from schemas.reprocessing import Job, Position, Source, WorkUnit

TURN_S = 10.0
"""Seconds for which a process reads one shard while it follows, before it looks for one that has waited longer."""
REQUEST_S = 0.2
"""Seconds between two requests for records of a shard: AWS allows five per second."""
BATCH_BYTES = 4 * 1024 * 1024
"""Bytes of records after which a batch ends; they are packed, and the last record may exceed them."""


def shards(job: Job) -> list[Source]:
    """Return a source for each shard of the stream, in which it begins at the time of the job.

    Raises:
        UsageError: there is no such stream, or no right to read it. TransientError: AWS does not answer.
    """
    pull, now = pull_of(job), now_ms()
    # a time, where AWS would take `LATEST`: that would be another place whenever a process looks for it
    since = now if pull.latest else job.since
    return _sources(DataStream(pull.of), (OLDEST, "") if since is None else (AT, since), now)


def is_same_stream(job: Job, units: Iterable[WorkUnit]) -> bool:
    """Return whether the stream is the one that the units have positions in.

    A stream that was deleted and recreated has shards with the same ids, but others: positions in the former ones are
    refused by AWS, and those that had ended would not be read at all.

    Raises:
        UsageError: there is no such stream, or no right to list it. TransientError: AWS does not answer.
    """
    current = {shard.id: shard.first for shard in DataStream(pull_of(job).of).shards()}
    known = [unit.source for unit in units if unit.source.of in current]
    # units of an earlier version do not tell the number
    return bool(known) and all(source.first in {"", current[source.of]} for source in known)


def job_for_recreated(job: Job, begun: int) -> Job:
    """Return what to read of a stream that was recreated after the job had `begun`: all of it, for `latest`."""
    pull = pull_of(job)
    if not pull.latest:
        return job
    return msgspec.structs.replace(job, since=begun, pull=msgspec.structs.replace(pull, latest=False))


class StreamReader:
    """Reads shards; the position in one is the kind and the value of an iterator."""

    def __init__(self, settings: Settings, job: Job) -> None:
        pull = pull_of(job)
        self._stream = DataStream(pull.of)
        self._of = pull.of
        self._follow = pull.follow
        self._max_bytes = settings.max_message_bytes

    def batches(self, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
        """Read a shard as far as it goes now, or to the end of the turn.

        Raises:
            UsageError: the stream is gone, or the right to read it. TransientError: AWS does not answer.
        """
        return prefetch(self._read(unit, size))

    def is_finished(self, unit: WorkUnit) -> bool:
        """Return whether the shard was read to its end, or all of it that the job wants."""
        return not self._follow or unit.position[0] == CLOSED

    async def successors(self, unit: WorkUnit) -> Sequence[Source]:
        """Return all shards, if this one has ended: its children are among them.

        Raises:
            TransientError: AWS does not answer.
        """
        if unit.position[0] != CLOSED:
            return ()
        return await asyncio.to_thread(_sources, self._stream, unit.source.begin, int(unit.source.end[0]))

    def _read(self, unit: WorkUnit, size: int) -> Iterator[InputBatch]:
        position: Position = unit.position
        ends = time.monotonic() + TURN_S
        iterator = ""
        while position[0] != CLOSED:
            iterator = iterator or self._stream.iterator(unit.source.of, str(position[0]), position[1])
            try:
                fetched = self._stream.records(iterator)
            except IteratorExpiredError:
                iterator = ""
                continue
            for batch in self._batches(unit.source.of, fetched, size):
                position = batch.position
                yield batch
            if not fetched.next:
                position = (CLOSED, "")
                yield InputBatch([], position, 0, 0, behind=None)
            iterator = fetched.next
            if self._ends(fetched, int(unit.source.end[0]), ends):
                return
            time.sleep(REQUEST_S)

    def _ends(self, fetched: Records, until: int, ends: float) -> bool:
        """Return whether to stop behind `fetched`: at the end of the turn, or of what had come when the job began."""
        if fetched.behind == 0:
            return True
        if self._follow:
            return time.monotonic() >= ends
        return bool(fetched.records) and fetched.records[-1].arrival >= until

    def _batches(self, shard: str, fetched: Records, size: int) -> Iterator[InputBatch]:
        """Divide records into batches that fit in memory when they are unpacked."""
        raws: list[AwsInput] = []
        held = count = 0
        for place, record in enumerate(fetched.records, start=1):
            raws += self._inputs(record.data, f"{self._of} {shard} record {record.number}")
            held, count = held + len(record.data), count + 1
            if place == len(fetched.records) or held >= BATCH_BYTES or count >= size:
                yield InputBatch(raws, (AFTER, record.number), 0, count, behind=fetched.behind)
                raws, held, count = [], 0, 0

    def _inputs(self, data: bytes, origin: str) -> Iterator[AwsInput]:
        """Yield the inputs in a record, or in each of those that were aggregated in it."""
        if (aggregated := user_records(data)) is None:
            if data:
                yield from aws_inputs(data, origin, self._max_bytes)
            return
        for place, one in enumerate(aggregated, start=1):
            if one:
                yield from aws_inputs(one, f"{origin}[{place}]", self._max_bytes)


def _sources(stream: DataStream, begin: Position, until: int) -> list[Source]:
    return [
        Source(shard.id, shard.id, begin, (until,), 0, shard.parents, first=shard.first) for shard in stream.shards()
    ]
