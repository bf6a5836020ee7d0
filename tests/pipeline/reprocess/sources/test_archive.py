"""The archive is read in ranges of whole conversations, each event once."""

from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.sources.archive import conversations, events
from pipeline.store.connection.client import ClickHouse
from schemas.erasure import ARCHIVE
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Source, Target, WorkUnit
from tests.events import turn
from tests.pipeline.audit.tables import Tables

JOB = Job(kind=JobKind.REBUILD, into=Target.NEW, rules=JobRules("1", ()))
LOG = [turn(session_id=f"s{n}", request_id=f"r{m}") for n in range(4) for m in range(3)]


def test_the_sources_divide_the_archive_and_have_all_its_events(tables: Tables) -> None:
    tables.put(events=LOG)

    async def use(clickhouse: ClickHouse) -> tuple[list[Source], list[InputBatch]]:
        sources = await conversations(clickhouse, JOB, 5)
        batches = []
        for source in sources:
            unit = WorkUnit(source=source, position=source.begin, counts=JobCounts())
            batches += [batch async for batch in events(clickhouse, JOB, unit, 3)]
        return sources, batches

    sources, batches = tables.use(use)
    assert len(sources) > 1
    assert sum(source.total for source in sources) == sum(batch.done for batch in batches) == len(LOG)
    assert sum(len(batch.raws) for batch in batches) == len(LOG)
    assert {raw.place for batch in batches for raw in batch.raws} == {ARCHIVE}


def test_a_unit_is_read_from_its_position_on(tables: Tables) -> None:
    tables.put(events=LOG)

    async def use(clickhouse: ClickHouse) -> list[InputBatch]:
        (source,) = await conversations(clickhouse, JOB)
        unit = WorkUnit(source=source, position=source.begin, counts=JobCounts())
        first, *_ = [batch async for batch in events(clickhouse, JOB, unit, 3)]
        rest = WorkUnit(source=source, position=first.position, counts=JobCounts())
        return [first, *[batch async for batch in events(clickhouse, JOB, rest, 3)]]

    batches = tables.use(use)
    assert sum(len(batch.raws) for batch in batches) == len(LOG)
