"""What goes beyond its own limits is told apart from a server in trouble; what only reads cannot write."""

import asyncio
import contextlib
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.errors import ExceededError, StatementError, TransientError
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.connection.limits import Limits
from tests import services
from tests.paths import ROOT

AMPLE = Limits(seconds=30.0, memory=1_000_000_000)
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"
LARGE = "SELECT uniqExact(number) FROM numbers(10000000)"


def using(settings: Settings, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    async def go() -> None:
        async with connection(settings) as clickhouse:
            await use(clickhouse)

    asyncio.run(go())


def test_a_statement_beyond_its_limits_is_given_up_and_said_so(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        with pytest.raises(ExceededError, match=r"^the query would take more than 0\.3 s$"):
            await clickhouse.rows(ENDLESS, limits=Limits(0.3, AMPLE.memory))
        with pytest.raises(ExceededError, match=r"^the query would take more than 5,000,000 bytes of memory$"):
            await clickhouse.rows(LARGE, limits=Limits(AMPLE.seconds, 5_000_000))
        with pytest.raises(ExceededError, match=r"^the query would read more than ClickHouse allows our user$"):
            await clickhouse.rows(LARGE, settings={"max_rows_to_read": 1000}, limits=AMPLE)
        assert await clickhouse.rows("SELECT 1", limits=AMPLE) == [(1,)]

    using(clickhouse_settings, use)


def test_without_limits_of_its_own_it_may_be_tried_again(clickhouse_settings: Settings) -> None:
    """So workers and replays see it: the limits are those of somebody else, and may change."""

    async def use(clickhouse: ClickHouse) -> None:
        for sql, bound in ((ENDLESS, {"max_execution_time": 0.3}), (LARGE, {"max_memory_usage": 5_000_000})):
            with pytest.raises(TransientError):
                await clickhouse.rows(sql, settings=bound)

    using(clickhouse_settings, use)


def test_a_server_out_of_memory_is_no_fault_of_the_query() -> None:
    of_the_server = "(total) memory limit exceeded: would use 30.00 GiB (attempt to allocate chunk of 4 MiB)"
    of_the_user = "User memory limit exceeded: would use 30.00 GiB"
    assert AMPLE.exceeded(241, of_the_server) == AMPLE.exceeded(241, of_the_user) == ""
    assert AMPLE.exceeded(241, "Memory limit (for query) exceeded: would use 1.00 GiB")
    assert AMPLE.exceeded(60, "Table default.t does not exist") == ""


@pytest.mark.parametrize(
    "sql", ["CREATE TABLE u (a UInt8) ENGINE = Memory", "INSERT INTO t VALUES (1)", "DROP TABLE t"]
)
def test_what_has_limits_only_reads(clickhouse_settings: Settings, sql: str) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command("CREATE TABLE t (a UInt8) ENGINE = Memory")
        with pytest.raises(StatementError, match="READONLY"):
            await clickhouse.rows(sql, limits=AMPLE)
        with pytest.raises(StatementError, match=r"READONLY|ACCESS_DENIED"):  # nor does it reach beyond ClickHouse
            await clickhouse.rows("SELECT * FROM url('http://127.0.0.1:1', CSV, 'a String')", limits=AMPLE)
        assert await clickhouse.rows("SELECT count() FROM t", limits=AMPLE) == [(0,)]

    using(clickhouse_settings, use)


USERS = """
<clickhouse>
    <profiles><default><readonly>2</readonly></default></profiles>
    <users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile></default></users>
</clickhouse>
"""


@contextlib.contextmanager
def read_only(folder: Path) -> Iterator[str]:
    """A ClickHouse whose user may only read, as one should be that only the query layer uses."""
    (folder / "data").mkdir()  # the engine is kept from reading anywhere else
    (folder / "data" / "users.xml").write_text(USERS)
    (folder / "more.xml").write_text(f"<users_config>{folder / 'data' / 'users.xml'}</users_config>")
    port = free_port()
    command = [*services.clickhouse_command(folder / "data", port), "--clusters", str(folder / "more.xml")]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(services.STOPPED_WITHIN)


def test_a_user_who_may_only_read_is_bounded_all_the_same(tmp_path: Path) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        assert await clickhouse.rows("SELECT getSetting('readonly')", limits=AMPLE) == [(2,)]
        with pytest.raises(ExceededError):
            await clickhouse.rows(ENDLESS, limits=Limits(0.3, AMPLE.memory))
        with pytest.raises(StatementError, match="READONLY"):
            await clickhouse.rows("CREATE TABLE t (a UInt8) ENGINE = Memory", limits=AMPLE)

    with read_only(tmp_path) as url:
        using(Settings(clickhouse=url, clickhouse_database="default"), use)
