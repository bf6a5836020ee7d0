"""One connection for all who want it; whoever gives up waiting takes it from nobody, and leaves no failure behind."""

import asyncio
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.runtime.errors import ExceededError, StatementError, TransientError
from pipeline.runtime.retry import retry_forever
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import ClickHouse
from pipeline.store.connection.databases import Databases
from pipeline.store.connection.lazy_client import LazyClickHouse, SharedConnection
from pipeline.store.schema.migrate import migrate
from tests import services
from tests.paths import ROOT
from tests.pipeline.http.raw import until
from tests.pipeline.http.serving import assert_failed, client, serving


class Silent:
    """Takes connections and says nothing, until it drops them all."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self._taken: list[socket.socket] = []

    def settings(self) -> Settings:
        return Settings(clickhouse=f"http://127.0.0.1:{self._listening.getsockname()[1]}", clickhouse_timeout=600)

    async def take(self) -> None:
        self._taken.append((await asyncio.get_running_loop().sock_accept(self._listening))[0])

    def drop(self) -> None:
        for one in (self._listening, *self._taken):
            one.close()


def test_flushes_that_overlap_open_one_connection_to_a_database(clickhouse_settings: Settings) -> None:
    async def go() -> None:
        databases = Databases(clickhouse_settings)
        opened = await asyncio.gather(*(databases.of(clickhouse_settings.clickhouse_database) for _ in range(5)))
        assert len(set(map(id, opened))) == 1
        await databases.close()
        with pytest.raises(StatementError, match="closed"):
            await opened[0].rows("SELECT 1")

    asyncio.run(go())


def test_a_failure_that_nobody_waited_for_is_not_the_answer_to_who_asks_next(clickhouse_settings: Settings) -> None:
    async def go() -> None:
        silent, there = Silent(), clickhouse_settings
        wanted = [silent.settings(), there]
        shared = SharedConnection(lambda: ClickHouse.connect(wanted.pop(0)))
        waiting = asyncio.create_task(shared.get())
        await silent.take()
        waiting.cancel()
        await asyncio.wait([waiting])
        attempt = shared._attempt
        assert attempt is not None
        assert not attempt.done()
        silent.drop()
        await asyncio.wait([attempt])
        assert await (await shared.get()).rows("SELECT 1") == [(1,)]
        await shared.close()

    asyncio.run(go())


def test_who_is_cancelled_does_not_take_it_from_the_others(clickhouse_settings: Settings) -> None:
    async def go() -> None:
        shared = SharedConnection(lambda: ClickHouse.connect(clickhouse_settings))
        waiting = [asyncio.create_task(shared.get()) for _ in range(3)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        assert await waiting[1] is await waiting[2]
        assert waiting[0].cancelled()
        await shared.close()

    asyncio.run(go())


@pytest.mark.filterwarnings("error::ResourceWarning")
def test_closing_gives_up_an_attempt_and_says_so_to_who_waits() -> None:
    async def go() -> None:
        silent = Silent()
        shared = SharedConnection(lambda: ClickHouse.connect(silent.settings()))
        waiting = asyncio.create_task(shared.get())
        await silent.take()
        await shared.close()
        with pytest.raises(TransientError, match="closed while it was being opened"):
            await waiting
        silent.drop()

    asyncio.run(go())


def test_every_failed_attempt_is_the_answer_of_all_who_waited_for_it(clickhouse_settings: Settings) -> None:
    away = msgspec.structs.replace(clickhouse_settings, clickhouse="http://127.0.0.1:1")

    async def go() -> None:
        shared = SharedConnection(lambda: ClickHouse.connect(away))
        for _ in range(2):
            answers = await asyncio.gather(*(shared.get() for _ in range(3)), return_exceptions=True)
            assert [type(answer) for answer in answers] == [TransientError] * 3
        await shared.close()

    asyncio.run(go())


@contextmanager
def clickhouse(port: int, folder: Path) -> Iterator[None]:
    """ClickHouse on the same port each time, as after a restart."""
    with subprocess.Popen(services.clickhouse_command(folder, port), cwd=ROOT) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{port}", process)
            yield
        finally:
            process.terminate()
            process.wait(services.STOPPED_WITHIN)


def test_a_server_starts_before_clickhouse_and_outlives_its_absence(tmp_path: Path) -> None:
    port = free_port()
    settings = Settings(clickhouse=f"http://127.0.0.1:{port}")
    away = "ClickHouse does not answer at the moment"
    with serving(create_app(settings)) as url:  # which closes connections that are idle while ClickHouse starts
        with client(url) as ask:
            assert_failed(ask.sessions(), 500, "InternalServerException", away)
        with clickhouse(port, tmp_path):
            asyncio.run(migrate(settings))
            with client(url) as ask:
                assert ask.ask("GET", "/readyz").status == 200
                assert ask.sessions().status == 200
        with client(url) as ask:
            until(lambda: ask.ask("GET", "/readyz").status == 503)
            assert_failed(ask.sessions(), 500, "InternalServerException", away)
        with clickhouse(port, tmp_path), client(url) as ask:
            until(lambda: ask.ask("GET", "/readyz").status == 200)
            assert ask.sessions().status == 200


def test_a_clickhouse_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = LazyClickHouse(
            Settings(clickhouse=f"http://127.0.0.1:{silent.getsockname()[1]}", clickhouse_timeout=0.2)
        )

        async def ask() -> None:
            waiting = [store.rows("SELECT 1") for _ in range(3)]
            answers = await asyncio.gather(*waiting, return_exceptions=True)
            assert [type(answer) for answer in answers] == [TransientError] * 3
            await store.close()

        asyncio.run(ask())


def test_a_question_that_takes_too_long_is_given_up_here_and_there(clickhouse_url: str) -> None:
    there = Settings(clickhouse=clickhouse_url, clickhouse_database="default")

    async def ask(settings: Settings, *errors: type[Exception]) -> None:
        store = LazyClickHouse(settings)
        try:
            with pytest.raises(errors):
                await store.rows("SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)")
            again = partial(store.rows, "SELECT getSetting('readonly')")
            assert await asyncio.wait_for(retry_forever(again, "busy"), 60) == [(1,)], "it is as good as new"
        finally:
            await store.close()

    asyncio.run(ask(msgspec.structs.replace(there, query_seconds=0.5), ExceededError))
    sooner = msgspec.structs.replace(there, clickhouse_timeout=0.5)
    asyncio.run(ask(sooner, ExceededError, TransientError))  # by ClickHouse or by us, whoever is first


def test_many_first_questions_at_once_are_all_answered(clickhouse_url: str) -> None:
    async def ask() -> None:
        store = LazyClickHouse(Settings(clickhouse=clickhouse_url, clickhouse_database="default"))
        try:
            answers = await asyncio.gather(*(store.rows("SELECT {n:UInt8}", {"n": n}) for n in range(20)))
            assert answers == [[(n,)] for n in range(20)]
            with pytest.raises(StatementError):
                await store.rows("SELECT nonsense")
        finally:
            await store.close()

    asyncio.run(ask())


def test_closing_what_was_never_used_is_nothing() -> None:
    asyncio.run(LazyClickHouse(Settings()).close())
