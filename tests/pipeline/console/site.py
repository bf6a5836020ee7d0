"""The console over the application itself, without a browser."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.routes import console_routes
from pipeline.http.app import create_app
from pipeline.store.connection.client import connection
from schemas.conversation import Conversation
from schemas.turn import ArchivedTurn
from tests.pipeline.query.rows import BOT, NOW

SESSIONS, OVERVIEW, INTENTS, PATHS, UTTERANCES, COMPARE = (
    f"/console/bots/{BOT}/{screen}" for screen in ("sessions", "overview", "intents", "paths", "utterances", "compare")
)
SPAN = {"from": "2026-05-01T00:00:00Z", "to": "2026-06-30T00:00:00Z"}
"""A span around NOW."""


@contextmanager
def console(settings: Settings, **more: Any) -> Iterator[TestClient]:
    """A client of the console; redirects are not followed, and the clock stands at NOW."""
    app = create_app(settings, now=lambda: NOW, pages=console_routes)
    with TestClient(app, base_url="http://localhost", follow_redirects=False, **more) as client:
        yield client


def insert(settings: Settings, *, rows: list[Conversation], turns: list[ArchivedTurn] | None = None) -> None:
    """Into the tables."""

    async def connected() -> None:
        async with connection(settings) as clickhouse:
            await clickhouse.insert("conversations", rows)
            if turns:
                await clickhouse.insert("turns", turns)

    asyncio.run(connected())
