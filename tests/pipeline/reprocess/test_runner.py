"""A failed attempt has ended before the next one begins, and a lost unit is left to its new owner."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.reprocess.batch import DecodedInputs, InputBatch
from pipeline.reprocess.leases import Leases
from pipeline.reprocess.runner import JobRunner
from pipeline.reprocess.sink import BatchResult, PreparedBatch, Sink, WrittenBatch
from pipeline.runtime.errors import TransientError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.runs import load_run, save_run, save_units
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Run, Source, Target, WorkUnit
from tests.events import raw
from tests.pipeline.audit.tables import Tables

NAME = "run"
INPUTS = 4


def begun(folder: Path) -> tuple[Run, WorkUnit]:
    file = folder / "log.jsonl"
    file.write_bytes(b"\n".join(raw(requestId=f"r{number}") for number in range(INPUTS)))
    job = Job(kind=JobKind.BACKFILL, into=Target.LIVE, rules=JobRules("1", ()), paths=(str(file),))
    source = Source(str(file), str(file), (0,), (), file.stat().st_size)
    return Run(job=job, begun=7), WorkUnit(source=source, position=(0,), counts=JobCounts())


def fill(
    tables: Tables,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
    write: Callable[[ClickHouse, PreparedBatch], Awaitable[WrittenBatch]],
    *,
    limit: float | None = None,
) -> WorkUnit:
    """Run a job with one input per batch, written by `write`, and return the unit as it was saved last."""
    run, unit = begun(folder)

    async def use(clickhouse: ClickHouse) -> WorkUnit:
        @asynccontextmanager
        async def way(*_: object) -> AsyncIterator[Sink]:
            yield Sink(
                lambda batch: PreparedBatch(batch, DecodedInputs([], [])), lambda batch: write(clickhouse, batch)
            )

        monkeypatch.setattr("pipeline.reprocess.runner.BATCH", 1)
        monkeypatch.setattr("pipeline.reprocess.runner.open_sink", way)
        await save_units(clickhouse, NAME, run, {unit.source.name: unit}, into_live=True)
        await save_run(clickhouse, NAME, run, into_live=True)
        await JobRunner(settings, clickhouse, Leases(clickhouse, NAME, run), lambda *_: None, limit).run()
        loaded = await load_run(clickhouse, NAME)
        assert loaded is not None
        return loaded[1][unit.source.name].unit

    return tables.use(use)


def position(batch: InputBatch) -> int:
    return int(batch.position[0])


def test_tasks_of_a_failed_attempt_have_ended_before_the_next_one(
    tables: Tables, with_tables: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running: set[int] = set()
    begins = asyncio.Event()
    failed: list[int] = []

    async def rest(at: int) -> None:
        running.add(at)
        begins.set()
        try:
            await (asyncio.sleep(0) if failed else asyncio.Event().wait())
        finally:
            await asyncio.sleep(0.5)  # longer than the pause before the next attempt
            running.discard(at)

    async def write(_: ClickHouse, batch: PreparedBatch) -> WrittenBatch:
        at = position(batch.inputs)
        if at == 1:
            assert not running, "the first attempt still writes"
        elif not failed:
            await begins.wait()
            failed.append(at)
            raise TransientError("away")
        return WrittenBatch(batch.inputs.position, BatchResult(JobCounts(read=1), []), lambda: rest(at))

    saved = fill(tables, with_tables, monkeypatch, tmp_path, write)
    assert failed == [2]
    assert (saved.finished, saved.counts.read) == (True, INPUTS)


def test_the_limit_counts_the_events_in_an_input(
    tables: Tables, with_tables: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def write(_: ClickHouse, batch: PreparedBatch) -> WrittenBatch:
        return WrittenBatch(batch.inputs.position, BatchResult(JobCounts(read=1, valid=30, dead=10), []), None)

    began = time.monotonic()
    fill(tables, with_tables, monkeypatch, tmp_path, write, limit=80.0)
    assert time.monotonic() - began >= INPUTS * 40 / 80.0


def test_a_unit_that_another_process_has_taken_over_is_left_to_it(
    tables: Tables,
    with_tables: Settings,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The other process finishes it here, so that nothing is left to do."""
    monkeypatch.setattr("pipeline.reprocess.runner.REFRESH_S", -1.0)
    written: list[int] = []

    async def write(clickhouse: ClickHouse, batch: PreparedBatch) -> WrittenBatch:
        written.append(position(batch.inputs))
        loaded = await load_run(clickhouse, NAME)
        assert loaded is not None
        ((name, saved),) = loaded[1].items()
        theirs = msgspec.structs.replace(saved.unit, owner="elsewhere:7:0badcafe", finished=True)
        return WrittenBatch(
            batch.inputs.position, BatchResult(JobCounts(read=1), []), lambda: taken_over(clickhouse, name, theirs)
        )

    async def taken_over(clickhouse: ClickHouse, name: str, theirs: WorkUnit) -> None:
        monkeypatch.setattr("pipeline.reprocess.leases.LEASE_MS", -1)  # the lease has expired
        await save_units(clickhouse, NAME, begun(tmp_path)[0], {name: theirs}, into_live=True)

    saved = fill(tables, with_tables, monkeypatch, tmp_path, write)
    assert len(written) <= 2
    assert (saved.owner, saved.finished, saved.counts.read) == ("elsewhere:7:0badcafe", True, 0)
    assert "elsewhere:7:0badcafe has taken over" in caplog.text
