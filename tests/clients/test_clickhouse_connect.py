"""clickhouse-connect, in both of its forms, works with the embedded ClickHouse as with a server."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from pipeline.config.settings import Settings

COLUMNS = """
(
    a UInt64, s String, l LowCardinality(String), w Array(LowCardinality(String)), t DateTime64(3, 'UTC'),
    n Nullable(Int32), m Map(String, String), f Bool
)
ENGINE = MergeTree ORDER BY a
"""
TIME = dt.datetime(2023, 11, 14, 22, 13, 20, 123_000)  # noqa: DTZ001 - the client leaves UTC unsaid
ROW = (1, "it's\n\0é😀", "word", ["a", "b", "a"], TIME, None, {"k": "v"}, True)
PARAMETERS = {"text": "it's\n\t\\ \0 é😀", "keys": [("a'", "b\n", ""), ("\\", "{x:String}", "\0")], "time": TIME}
KEYS = "name String, number UInt8"
BOUND = "SELECT {text:String}, {keys:Array(Tuple(String, String, String))}, {time:DateTime64(3, 'UTC')}"


def options(settings: Settings) -> dict[str, Any]:
    url = urlsplit(settings.clickhouse)
    return {"host": url.hostname, "port": url.port, "database": settings.clickhouse_database}


@pytest.fixture(params=[False, "gzip", "zstd", "lz4"])
def client(clickhouse_settings: Settings, request: pytest.FixtureRequest) -> Iterator[Any]:
    made = clickhouse_connect.get_client(**options(clickhouse_settings), compress=request.param)
    made.command(f"CREATE TABLE t {COLUMNS}")
    yield made
    made.close()


def test_the_client_falls_back_to_the_protocol_that_the_engine_speaks(client: Any) -> None:
    assert client.protocol_version == 0
    assert client.ping()


def test_rows_of_every_kind_go_in_and_come_out(client: Any) -> None:
    client.insert("t", [ROW] * 100)
    assert client.query("SELECT * FROM t LIMIT 1").result_rows == [tuple(ROW)]
    assert client.query("SELECT * FROM t LIMIT 0").column_names == tuple("aslwtnmf")
    assert client.query("SELECT * FROM t WHERE a = 9").result_rows == []
    assert client.query("SELECT count() FROM t").first_row == (100,)


def test_a_summary_says_what_was_written(client: Any) -> None:
    assert client.insert("t", [ROW] * 3).written_rows == 3
    assert client.raw_insert("t", ["a"], "5\n6\n", fmt="CSV").written_rows == 2
    assert client.command("INSERT INTO t (a) VALUES (7), (8)").written_rows == 2


def test_commands_answer_what_a_server_answers(client: Any) -> None:
    assert client.command("SELECT 5") == 5
    assert client.command("SHOW TABLES") == "t"
    assert client.command("EXISTS TABLE t") == 1
    assert client.command("SELECT a FROM t").__class__.__name__ == "str"
    assert client.command("SELECT {text:String} = unhex({hex:String})", {"text": "é", "hex": "C3A9"}) == 1


def test_streams_and_raw_answers_come_whole(client: Any) -> None:
    with client.query_rows_stream("SELECT number FROM numbers(200000)") as rows:
        assert sum(row[0] for row in rows) == 19_999_900_000
    assert client.raw_query("SELECT 1, 'a,b'", fmt="CSV") == b'1,"a,b"\n'
    assert client.raw_stream("SELECT number FROM numbers(3)", fmt="CSV").read() == b"0\n1\n2\n"


@pytest.mark.parametrize("form", [True, False])
def test_bound_values_come_back_as_they_are(clickhouse_settings: Settings, *, form: bool) -> None:
    client = clickhouse_connect.get_client(**options(clickhouse_settings), form_encode_query_params=form)
    found = client.query(BOUND, parameters=PARAMETERS).first_row
    client.close()
    assert found == tuple(PARAMETERS.values())


def test_tables_that_come_with_a_query_are_there_for_it_alone(client: Any) -> None:
    keys = '["a\\n\\\\", 1]\n["é", 2]'.encode()
    tables = ExternalData(file_name="asked", data=keys, fmt="JSONCompactEachRow", structure=KEYS)
    tables.add_file(file_name="weights", data=b"1\t10\n2\t20\n", structure="number UInt8, weight UInt8")
    joined = "SELECT name, weight FROM asked JOIN weights USING number WHERE name != {not:String} ORDER BY number"
    for _ in range(2):
        found = client.query(joined, parameters={"not": ""}, external_data=tables)
        assert found.result_rows == [("a\n\\", 10), ("é", 20)]
    with pytest.raises(DatabaseError) as refused:
        client.query("SELECT * FROM asked")
    assert refused.value.code == 60


def test_errors_carry_code_and_name(client: Any) -> None:
    for asking in (client.query, client.command, client.raw_query):
        with pytest.raises(DatabaseError) as refused:
            asking("SELECT * FROM nowhere")
        assert (refused.value.code, refused.value.name) == (60, "UNKNOWN_TABLE")
    with pytest.raises(DatabaseError) as refused:
        client.insert("nowhere", [[1]], column_names=["a"], column_type_names=["UInt8"])
    assert refused.value.code == 60


def test_a_setting_is_for_one_query(client: Any) -> None:
    asked = "SELECT getSetting('max_threads')"
    before = client.query(asked).first_row
    assert client.query(asked, settings={"max_threads": 1}).first_row == (1,)
    assert client.query(asked).first_row == before


def awaiting(settings: Settings, use: Callable[[Any], Awaitable[None]]) -> None:
    async def go() -> None:
        async with await clickhouse_connect.get_async_client(**options(settings)) as client:
            await use(client)

    asyncio.run(go())


def test_the_asynchronous_client_does_all_of_it_at_once(clickhouse_settings: Settings) -> None:
    async def use(client: Any) -> None:
        await client.command(f"CREATE TABLE t {COLUMNS}")
        columns = [[value] * 1000 for value in ROW]
        await asyncio.gather(*[client.insert("t", columns, column_oriented=True) for _ in range(20)])
        counts = await asyncio.gather(*[client.query("SELECT count() FROM t") for _ in range(20)])
        assert [count.first_row for count in counts] == [(20_000,)] * 20
        assert (await client.query(BOUND, parameters=PARAMETERS)).first_row == tuple(PARAMETERS.values())
        async with await client.query_row_block_stream("SELECT a FROM t") as blocks:
            assert sum([len(block) async for block in blocks]) == 20_000
        assert await client.raw_query("SELECT 1", fmt="CSV") == b"1\n"
        assert (await client.raw_insert("t", ["a"], b"5\n", fmt="CSV", compression=None)).written_rows == 1

    awaiting(clickhouse_settings, use)
