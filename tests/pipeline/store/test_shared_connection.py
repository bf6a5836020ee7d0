"""One connection for all who want it; whoever gives up waiting takes it from nobody, and leaves no failure behind."""

import asyncio
import socket

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError
from pipeline.store.client import ClickHouse
from pipeline.store.databases import Databases
from pipeline.store.shared_connection import SharedConnection


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
