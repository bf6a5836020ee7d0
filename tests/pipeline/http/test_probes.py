import asyncio
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.schema.migrate import migrate
from tests import brokers, services
from tests.pipeline.http.raw import until
from tests.pipeline.http.serving import Client, assert_failed, client, serving


def test_a_server_over_its_tables_is_alive_and_ready(ask: Client) -> None:
    alive, ready = ask.ask("GET", "/healthz"), ask.ask("GET", "/readyz")
    assert (alive.status, alive.body) == (200, {"status": "alive"})
    assert (ready.status, ready.body) == (200, {"status": "ready"})


def test_missing_tables_are_named_with_what_makes_them(clickhouse_settings: Settings) -> None:
    with serving(create_app(clickhouse_settings)) as url, client(url) as ask:
        assert_failed(
            ask.ask("GET", "/readyz"),
            503,
            "ServiceUnavailableException",
            "tables are missing: bots, conversations, forgotten, forgotten_events, runs, turns; run `turnfold migrate`",
        )
        assert_failed(ask.sessions(), 500, "InternalServerException", "ClickHouse rejects the query")
        assert ask.ask("GET", "/healthz").status == 200


def test_one_missing_table_is_enough(ask: Client, with_tables: Settings) -> None:
    async def drop() -> None:
        clickhouse: ClickHouse
        async with connection(with_tables) as clickhouse:
            await clickhouse.command("DROP TABLE turns")

    asyncio.run(drop())
    assert_failed(ask.ask("GET", "/readyz"), 503, "ServiceUnavailableException", "missing: turns;")


def test_an_unavailable_clickhouse_is_reported(clickhouse_url: str) -> None:
    for settings in (
        Settings(clickhouse=f"http://127.0.0.1:{free_port()}"),
        Settings(clickhouse=clickhouse_url, clickhouse_database="there_is_none"),
    ):
        with serving(create_app(settings)) as url, client(url) as ask:
            assert_failed(
                ask.ask("GET", "/readyz"), 503, "ServiceUnavailableException", "ClickHouse cannot be queried: "
            )
            assert ask.ask("GET", "/healthz").status == 200
            assert_failed(ask.sessions(), 500, "InternalServerException", "ClickHouse")


def test_a_frozen_clickhouse_is_reported_before_the_timeout_of_queries(tmp_path: Path) -> None:
    with services.clickhouse_process(tmp_path) as (clickhouse_url, process):
        settings = Settings(clickhouse=clickhouse_url, clickhouse_timeout=600)
        asyncio.run(migrate(settings))
        with serving(create_app(settings)) as url, client(url) as ask:
            assert ask.ask("GET", "/readyz").status == 200
            with brokers.stopped(process):
                until(lambda: ask.ask("GET", "/readyz").status == 503)
                assert_failed(ask.ask("GET", "/readyz"), 503, "ServiceUnavailableException", "no answer within 3 s")
            until(lambda: ask.ask("GET", "/readyz").status == 200)
