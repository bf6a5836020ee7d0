"""Run one of the processes that answer on one port, until a signal stops it or its parent dies."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from pipeline.auth.shared_limits import SharedRateLimits
from pipeline.config.settings import Settings
from pipeline.http.app import Counters, Pages, create_app
from pipeline.http.operations.operation import MAX_CONCURRENT, ConcurrencyLimiter
from pipeline.http.processes.acceptor import MemberServer
from pipeline.http.processes.environment import ProcessMembership
from pipeline.http.processes.metrics import SharedQueryMetrics
from pipeline.http.processes.table import ProcessTable
from pipeline.http.server.config import create_server
from pipeline.http.server.run import run_until_signal

BEAT_SECONDS = 1.0
"""Seconds between two beats, by which the parent sees that the event loop runs."""


def serve_member(settings: Settings, pages: Pages, membership: ProcessMembership) -> None:
    """Answer queries beside other processes until SIGTERM or SIGINT, or until the parent ends in whatever way.

    Raises:
        UsageError: the certificate or the key file cannot be used, or the audit log cannot be written.
        SystemExit: the application cannot start.
    """
    folder, number = Path(membership.folder), membership.number
    table, slots = ProcessTable(folder), SharedRateLimits()
    counters = Counters(
        SharedQueryMetrics(folder, number, table),
        ConcurrencyLimiter(MAX_CONCURRENT, table.in_progress, number),
        slots,
        partial(_running, table, slots, membership),
    )
    with socket.socket(fileno=membership.listening) as listening:
        config = create_server(create_app(settings, pages=pages, counters=counters), settings).config
        server = MemberServer(config, table, number)
        run_until_signal(server, listening)
    if os.getppid() != membership.parent:
        shutil.rmtree(folder, ignore_errors=True)  # the parent cannot any more
    if not server.started and not server.should_exit:
        sys.exit(1)


@asynccontextmanager
async def _running(table: ProcessTable, slots: SharedRateLimits, membership: ProcessMembership) -> AsyncIterator[None]:
    """Beat while requests are answered; stop this process when its parent has ended."""
    connected = await slots.connect(socket.socket(fileno=membership.keeper))
    tasks = (
        connected,
        asyncio.create_task(_stop_after(connected)),
        asyncio.create_task(_beat(table, membership.number)),
    )
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stop_after(connected: asyncio.Task[None]) -> None:
    await asyncio.wait([connected])
    os.kill(os.getpid(), signal.SIGTERM)


async def _beat(table: ProcessTable, number: int) -> None:
    while True:
        table.beats[number] += 1
        await asyncio.sleep(BEAT_SECONDS)
