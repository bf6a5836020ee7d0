"""Connections are shared between processes, and none waits for a process that does not take it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pipeline.http.processes.acceptor import Acceptor
from pipeline.http.processes.table import ProcessTable

WITHIN = 10.0


class Taker:
    """A process that keeps the connections it accepts, each for as long as its client."""

    def __init__(self, listening: socket.socket, table: ProcessTable, number: int) -> None:
        self.taken: list[socket.socket] = []
        table.beats[number] = 1
        self.acceptor = Acceptor(listening.dup(), self._keep, lambda: len(self.taken))
        self.acceptor.start(table, number)

    async def _keep(self, accepted: socket.socket) -> None:
        self.taken.append(accepted)

    def close(self) -> None:
        """Accept no more, and close everything."""
        self.acceptor.close()
        self.acceptor._listening.close()
        for one in self.taken:
            one.close()


@asynccontextmanager
async def takers(folder: Path, count: int) -> AsyncIterator[tuple[ProcessTable, list[Taker], list[socket.socket]]]:
    """So many processes, and a list for connections of clients, which are closed afterwards."""
    table, clients = ProcessTable.create(folder, count), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listening:
        made = [Taker(listening, table, number) for number in range(1, count + 1)]
        try:
            yield table, made, clients
        finally:
            for one in made:
                one.close()
            for client in clients:
                client.close()


async def connect(clients: list[socket.socket], made: list[Taker], count: int) -> None:
    """Open so many connections at once, and wait until all are accepted."""
    before, address = sum(len(one.taken) for one in made), made[0].acceptor._listening.getsockname()
    clients += [socket.create_connection(address) for _ in range(count)]
    async with asyncio.timeout(WITHIN):
        while sum(len(one.taken) for one in made) < before + count:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)


def test_a_burst_of_connections_is_shared(tmp_path: Path) -> None:
    async def go() -> None:
        async with takers(tmp_path, 3) as (table, made, clients):
            await connect(clients, made, 60)
            assert all(15 <= len(one.taken) <= 25 for one in made)
            assert list(table.connections)[1:] == [len(one.taken) for one in made]

    asyncio.run(go())


def test_who_has_more_leaves_the_next_ones_to_others(tmp_path: Path) -> None:
    async def go() -> None:
        async with takers(tmp_path, 2) as (_, (first, second), clients):
            second.acceptor.close()
            await connect(clients, [first], 10)
            second.acceptor.start(first.acceptor._table, 2)
            await connect(clients, [first, second], 8)
            assert len(second.taken) >= 6

    asyncio.run(go())


def test_a_connection_that_others_do_not_take_is_accepted_all_the_same(tmp_path: Path) -> None:
    """One of the others is blocked, another has not begun to answer."""

    async def go() -> None:
        async with takers(tmp_path, 3) as (table, (first, *others), clients):
            for other in others:
                other.acceptor.close()
            table.beats[3] = 0
            await connect(clients, [first], 20)
            assert len(first.taken) == 20

    asyncio.run(go())


def test_after_an_error_it_goes_on(tmp_path: Path) -> None:
    async def go() -> None:
        async with takers(tmp_path, 1) as (_, made, clients):
            made[0].acceptor._resume()  # nobody waits
            await connect(clients, made, 2)

    asyncio.run(go())
