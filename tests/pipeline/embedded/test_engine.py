"""Statements run on their own handles, are limited in number, and can be cancelled and killed."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pipeline.embedded.engine import Engine
from pipeline.embedded.errors import EngineError
from pipeline.embedded.handle import EngineResult, EngineStatement

ENDLESS = b"SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"
RUNNING = b"SELECT count() - 1 FROM system.processes"  # itself aside


def on_engine(folder: Path, use: Callable[[Engine], Awaitable[None]], **options: float) -> None:
    async def go() -> None:
        engine = Engine(folder, **options)  # type: ignore[arg-type] # handles is a whole number
        try:
            await use(engine)
        finally:
            assert await engine.close()

    asyncio.run(go())


async def text(engine: Engine, sql: bytes) -> str:
    answer = await engine.run(EngineStatement(sql=sql, own=True))
    return answer.body.decode()


async def until_running(engine: Engine, count: int) -> None:
    async with asyncio.timeout(60):
        while await text(engine, RUNNING) != f"{count}\n":  # noqa: ASYNC110 - the engine sets no event
            await asyncio.sleep(0.02)


def test_an_answer_says_how_much_was_read_and_written(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        await engine.run(EngineStatement(sql=b"CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
        wrote = await engine.run(EngineStatement(sql=b"INSERT INTO t SELECT number FROM numbers(1000)"))
        assert (wrote.written_rows, wrote.written_bytes, wrote.body) == (1000, 8000, b"")
        read = await engine.run(EngineStatement(sql=b"SELECT sum(a) FROM t", output_format="CSV"))
        assert (read.body, read.read_rows, read.result_rows) == (b"499500\n", 1000, 1)
        assert isinstance(read, EngineResult)
        assert read.elapsed_ns > 0

    on_engine(tmp_path, use)


def test_nothing_of_one_statement_reaches_the_next(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        asked = b"SELECT getSetting('max_threads') != 7, currentDatabase()"
        await engine.run(EngineStatement(sql=b"CREATE DATABASE other"))
        found = await engine.run(EngineStatement(sql=asked, settings={"max_threads": "7"}, database="other"))
        assert found.body == b"0\tother\n"
        for sql in (b"SET max_threads = 7", b"USE other", b"CREATE TEMPORARY TABLE x (a Int8)"):
            await engine.run(EngineStatement(sql=sql))
        assert [await text(engine, asked) for _ in range(20)] == ["1\tdefault\n"] * 20
        with pytest.raises(EngineError, match="UNKNOWN_TABLE"):
            await text(engine, b"SELECT * FROM x")

    on_engine(tmp_path, use)


def test_when_all_handles_are_busy_for_too_long_the_answer_is_to_try_again(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        busy = asyncio.create_task(engine.run(EngineStatement(sql=ENDLESS, reads=True)))
        await asyncio.sleep(0)
        with pytest.raises(EngineError, match=r"All handles were busy for 0\.2 seconds; try again") as refused:
            await text(engine, b"SELECT 1")
        assert (refused.value.code, refused.value.status) == (202, 503)
        busy.cancel()

    on_engine(tmp_path, use, handles=1, wait_seconds=0.2)


def test_a_read_that_nobody_waits_for_any_more_gives_its_handle_back(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        for _ in range(5):
            deserted = asyncio.create_task(engine.run(EngineStatement(sql=ENDLESS, reads=True)))
            await until_running(engine, 1)
            deserted.cancel()
            with pytest.raises(asyncio.CancelledError):
                await deserted
            await until_running(engine, 0)

    on_engine(tmp_path, use, handles=2)


def test_a_write_that_nobody_waits_for_any_more_comes_to_its_end(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        await engine.run(EngineStatement(sql=b"CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a"))
        sql = b"INSERT INTO t SELECT sleepEachRow(0.3) FROM numbers(2)"
        deserted = asyncio.create_task(engine.run(EngineStatement(sql=sql)))
        await until_running(engine, 1)
        deserted.cancel()
        await until_running(engine, 0)
        assert await text(engine, b"SELECT count() FROM t") == "2\n"

    on_engine(tmp_path, use)


def test_closing_ends_what_still_runs(tmp_path: Path) -> None:
    async def go() -> None:
        engine = Engine(tmp_path)
        running = asyncio.create_task(engine.run(EngineStatement(sql=ENDLESS)))
        await until_running(engine, 1)
        assert await engine.close()
        with pytest.raises(EngineError, match="QUERY_WAS_CANCELLED"):
            await running

    asyncio.run(go())


def test_a_parameter_that_is_no_text_is_an_answer_and_no_crash(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        with pytest.raises(EngineError) as refused:
            await engine.run(EngineStatement(sql=b"SELECT {a:String}", parameters={"a": "\udcff"}))
        assert refused.value.code == 1002
        assert await text(engine, b"SELECT 1") == "1\n"

    on_engine(tmp_path, use)


def test_others_leave_handles_to_turnfold_and_an_id_is_one_statements(tmp_path: Path) -> None:
    async def use(engine: Engine) -> None:
        hanging = [
            asyncio.create_task(engine.run(EngineStatement(sql=ENDLESS, reads=True, query_id=f"{n}"))) for n in range(3)
        ]
        await until_running(engine, 1)
        with pytest.raises(EngineError, match="All handles were busy"):
            await engine.run(EngineStatement(sql=b"SELECT 1"))
        assert await text(engine, b"SELECT 1") == "1\n"
        with pytest.raises(EngineError, match="already running") as refused:
            await engine.run(EngineStatement(sql=b"SELECT 2", query_id="0", own=True))
        assert refused.value.code == 216
        replacing = EngineStatement(sql=b"SELECT 2", query_id="0", own=True, replaces=True)
        assert (await engine.run(replacing)).body == b"2\n"
        with pytest.raises(EngineError, match="QUERY_WAS_CANCELLED"):
            await hanging[0]
        for one in hanging[1:]:
            one.cancel()

    on_engine(tmp_path, use, handles=4, wait_seconds=0.3)
