"""A worker that is not the only writer takes back the current rows, and writes no others."""

import asyncio

import pytest

from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection
from pipeline.store.runs import save_run
from schemas.reprocessing import Job, JobKind, JobRules, Run, Target
from tests.events import START
from tests.pipeline.audit.tables import Tables, folded
from tests.pipeline.materialise.engine_worker import at_work, decoded_turn

TALK = [decoded_turn(n) for n in range(100)]
RUN = Run(job=Job(kind=JobKind.REPLAY, into=Target.LIVE, rules=JobRules("1", ())), begun=1)
TAKEN_BACK = "SELECT toUnixTimestamp64Milli(start) FROM conversations WHERE is_deleted ORDER BY start"


@pytest.mark.parametrize("left", [[], [40], [7, 93]])
def test_after_a_replay_an_event_of_a_long_conversation_takes_back_the_rows_that_there_are(
    with_tables: Settings, left: list[int]
) -> None:
    """Such as somebody who died had left; and that of the event alone, which a worker that sleeps may still write."""
    tables = Tables(with_tables)
    for one in left:
        tables.put(*folded(TALK[one : one + 1]))
    tables.put(*folded(TALK), events=TALK)
    late = decoded_turn(100)

    async def go() -> list[int]:
        async with at_work(with_tables) as worker, connection(with_tables) as clickhouse:
            await save_run(clickhouse, "replay", RUN, into_live=True)
            await worker.flusher.write_archive(await worker.flusher.fold_and_write_rows(worker.decoded([late]), 0))
            return [start for (start,) in await clickhouse.rows(TAKEN_BACK)]

    assert asyncio.run(go()) == [*(START + 1000 * one for one in left), late.timestamp]
    assert tables.rows() == folded([*TALK, late])
