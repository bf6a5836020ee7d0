import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from clickhouse_connect.driver.exceptions import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.store.connection.client import ClickHouse, connection, translate_errors
from schemas.columns import Bool, Bytes, LowCardinalityStr, LowCardinalityStrs, Millis, Str, UInt8, UInt32
from tests.certificates import Certificates
from tests.effort import OF_ENGINE, examples
from tests.integration.proxy import proxy
from tests.services import clickhouse, clickhouse_process

TABLE = """
CREATE TABLE t
(
    count UInt32, word LowCardinality(String), words Array(LowCardinality(String)), flag Bool, payload String,
    time DateTime64(3, 'UTC'), text String, tiny UInt8
)
ENGINE = MergeTree
ORDER BY count
"""


class Row(msgspec.Struct, frozen=True):
    count: UInt32 = 1
    word: LowCardinalityStr = "w"
    words: LowCardinalityStrs = ("a", "b")
    flag: Bool = True
    payload: Bytes = b"{}"
    time: Millis = 1_700_000_000_123
    text: Str = "t"
    tiny: UInt8 = 0


TEXT = st.text(st.characters(codec="utf-8"))
ROWS = st.builds(
    Row,
    count=st.integers(0, 2**32 - 1),
    word=TEXT,
    words=st.lists(TEXT).map(tuple),
    flag=st.booleans(),
    payload=TEXT.map(str.encode),
    time=st.integers(-(10**12), 10**13),
    text=TEXT,
    tiny=st.integers(0, 255),
)


def using(settings_: Settings, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    async def go() -> None:
        async with connection(settings_) as clickhouse:
            await use(clickhouse)

    asyncio.run(go())


@settings(
    deadline=None, max_examples=examples(25, OF_ENGINE), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(ROWS, min_size=1, max_size=20))
def test_rows_come_back_as_they_were_inserted(clickhouse_settings: Settings, rows: list[Row]) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command("DROP TABLE IF EXISTS t")
        await clickhouse.command(TABLE)
        await clickhouse.insert("t", rows)
        found = [
            Row(count, word, tuple(words), flag, payload.encode(), time, text, tiny)
            for count, word, words, flag, payload, time, text, tiny in await clickhouse.rows("SELECT * FROM t")
        ]
        assert sorted(found, key=repr) == sorted(rows, key=repr)

    using(clickhouse_settings, use)


@settings(
    deadline=None, max_examples=examples(50, OF_ENGINE), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=TEXT, keys=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=5), number=st.integers(-(2**63), 2**63 - 1))
def test_bound_values_come_back_as_they_are(
    clickhouse_settings: Settings, text: str, keys: list[tuple[str, str, str]], number: int
) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        sql = "SELECT {text:String}, {keys:Array(Tuple(String, String, String))}, {number:Int64}"
        assert await clickhouse.rows(sql, {"text": text, "keys": keys, "number": number}) == [(text, keys, number)]

    using(clickhouse_settings, use)


def test_the_keys_of_a_whole_batch_fit_into_one_query(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        keys = [("BOTAAAAAA1", f"session-{n}-{'x' * 60}", f"request-{n}-{'y' * 60}") for n in range(5_000)]
        sql = "SELECT length({keys:Array(Tuple(String, String, String))})"
        assert await clickhouse.rows(sql, {"keys": keys}) == [(5_000,)]

    using(clickhouse_settings, use)


def test_events_of_very_many_months_may_be_inserted_at_once(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(TABLE.replace("ORDER BY", "PARTITION BY toYYYYMM(time) ORDER BY"))
        month = 31 * 86_400_000
        await clickhouse.insert("t", [Row(count=n, time=n * month) for n in range(200)])
        assert await clickhouse.rows("SELECT count(), max(time) FROM t") == [(200, 199 * month)]

    using(clickhouse_settings, use)


def test_nothing_of_a_batch_is_kept_once_it_is_inserted(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(TABLE)
        rows = [Row(payload=bytes([number]) * 1_000) for number in range(10)]
        before = [sys.getrefcount(row.payload) for row in rows]
        await clickhouse.insert("t", rows)
        assert [sys.getrefcount(row.payload) for row in rows] == before

    gc.disable()  # a collection would free what is only kept by a cycle
    try:
        using(clickhouse_settings, use)
    finally:
        gc.enable()


def test_inserting_nothing_asks_for_nothing(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.insert("no_such_table", [])

    using(clickhouse_settings, use)


def test_a_setting_holds_for_its_query_alone(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        sql = "SELECT getSetting('final')"
        assert await clickhouse.rows(sql, settings={"final": 1}) == [(True,)]
        assert await clickhouse.rows(sql) == [(False,)]

    using(clickhouse_settings, use)


@pytest.mark.parametrize(
    "sql",
    ["SELEC 1", "SELECT * FROM nowhere", "SELECT nothing", "SELECT {missing:String}", "SELECT toInt32('x')"],
)
def test_a_wrong_statement_is_not_tried_again(clickhouse_settings: Settings, sql: str) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        with pytest.raises(StatementError):
            await clickhouse.rows(sql)
        with pytest.raises(StatementError):
            await clickhouse.command(sql)

    using(clickhouse_settings, use)


@pytest.mark.parametrize("row", [Row(count=2**32), Row(count=-1), Row(tiny=256)])
def test_a_value_that_fits_no_column_is_not_tried_again(clickhouse_settings: Settings, row: Row) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(TABLE)
        with pytest.raises(StatementError):
            await clickhouse.insert("t", [row])
        with pytest.raises(StatementError, match="UNKNOWN_TABLE"):
            await clickhouse.insert("nowhere", [Row()])
        await clickhouse.insert("t", [Row()])
        assert await clickhouse.rows("SELECT count() FROM t") == [(1,)]

    using(clickhouse_settings, use)


def test_a_statement_that_took_too_long_may_be_tried_again(clickhouse_settings: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        with pytest.raises(TransientError, match="TIMEOUT_EXCEEDED"):
            await clickhouse.rows("SELECT sleep(3)", settings={"max_execution_time": 1})

    using(clickhouse_settings, use)
    impatient = msgspec.structs.replace(clickhouse_settings, clickhouse_timeout=1.0)

    async def wait(clickhouse: ClickHouse) -> None:
        with pytest.raises(TransientError, match="Timeout"):
            await clickhouse.rows("SELECT sleep(3)")

    using(impatient, wait)


def test_a_server_that_goes_away_and_comes_back_is_trouble_that_passes(tmp_path: Path) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(TABLE)
        process.kill()
        process.wait()
        for attempt in (clickhouse.rows("SELECT 1"), clickhouse.insert("t", [Row()]), clickhouse.command("SELECT 1")):
            with pytest.raises(TransientError):
                await attempt
        with pytest.raises(TransientError, match="the connection to ClickHouse failed: Cannot connect to host 127"):
            await ClickHouse.connect(there)

    with clickhouse_process(tmp_path) as (url, process):
        there = Settings(clickhouse=url, clickhouse_database="default")
        using(there, use)


def test_a_wrong_password_or_database_is_not_tried_again(tmp_path: Path) -> None:
    with clickhouse_process(tmp_path, {"TURNFOLD_CLICKHOUSE_PASSWORD": "s3cret"}) as (url, _):
        right = Settings(clickhouse=url, clickhouse_database="default", clickhouse_password="s3cret")
        for wrong in ({"clickhouse_password": "guess"}, {"clickhouse_database": "nowhere"}):
            with pytest.raises(StatementError) as refused:
                asyncio.run(ClickHouse.connect(msgspec.structs.replace(right, **wrong)))
            assert "s3cret" not in str(refused.value)
            assert "guess" not in str(refused.value)


def test_a_damaged_answer_is_trouble_that_passes(clickhouse_settings: Settings) -> None:
    """The driver may fail in any way: here it looks for a 256th of a hundred words."""

    async def use(clickhouse: ClickHouse) -> None:
        sql = "SELECT toLowCardinality(toString(number)) FROM numbers(100)"
        faulty.faults.damage = lambda chunk: chunk[:-1] + b"\xff" if b"LowCardinality" in chunk else chunk
        with pytest.raises(TransientError, match="an answer of ClickHouse is damaged: IndexError"):
            await clickhouse.rows(sql)
        faulty.faults.damage = None
        assert await clickhouse.rows(sql) == [(str(number),) for number in range(100)]

    with proxy(clickhouse_settings.clickhouse) as faulty:
        using(msgspec.structs.replace(clickhouse_settings, clickhouse=faulty.url), use)


def test_a_value_that_cannot_be_sent_is_no_damaged_answer(clickhouse_settings: Settings) -> None:
    """A retry would fail in the same way, without end."""

    async def use(clickhouse: ClickHouse) -> None:
        with pytest.raises(TypeError, match="Can not serialize"):
            await clickhouse.rows("SELECT {text:String}", {"text": "\ud83d"})

    using(clickhouse_settings, use)


def test_an_error_among_its_own_causes_is_told_as_any_other() -> None:
    error, consequence = OperationalError("away"), OperationalError("closed")
    error.__context__, consequence.__context__ = consequence, error
    with pytest.raises(TransientError, match="away"), translate_errors():
        raise error


def test_over_tls_only_with_the_right_authorities_user_and_password(tmp_path: Path, pem: Certificates) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await clickhouse.command(TABLE)
        await clickhouse.insert("t", [Row()])
        assert await clickhouse.rows("SELECT count() FROM t") == [(1,)]

    account = {"TURNFOLD_CLICKHOUSE_USER": "bot", "TURNFOLD_CLICKHOUSE_PASSWORD": "s3cret"}
    with clickhouse(tmp_path, account, pem) as url:
        right = Settings(
            clickhouse=url,
            clickhouse_database="default",
            clickhouse_user="bot",
            clickhouse_password="s3cret",
            clickhouse_ca=str(pem.ca),
        )
        using(right, use)
        for wrong, error, words in (
            ({"clickhouse_ca": str(pem.strangers)}, UsageError, "not trusted.*TURNFOLD_CLICKHOUSE_CA"),
            ({"clickhouse_ca": ""}, UsageError, "not trusted.*TURNFOLD_CLICKHOUSE_CA"),
            ({"clickhouse_ca": "/nowhere"}, UsageError, "TURNFOLD_CLICKHOUSE_CA=/nowhere"),
            ({"clickhouse_user": "default"}, StatementError, "AUTHENTICATION_FAILED"),
            ({"clickhouse": url.replace("https", "http"), "clickhouse_ca": ""}, TransientError, "Server disconnected"),
        ):
            with pytest.raises(error, match=words) as refused:
                asyncio.run(ClickHouse.connect(msgspec.structs.replace(right, **wrong)))
            assert "s3cret" not in str(refused.value)
