"""Log entries in an archive, and the SDK's runtime clients over them, with only their endpoint changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.store.connection.client import connection
from tests.pipeline.http.serving import serving
from tests.pipeline.query.session_entries import NOW, Entry, archived


def insert(where: Settings, *entries: Entry) -> None:
    """Into the archive."""

    async def connected() -> None:
        async with connection(where) as clickhouse:
            await clickhouse.insert("turns", [archived(entry) for entry in entries])

    asyncio.run(connected())


@contextmanager
def standing_still(settings: Settings) -> Iterator[str]:
    """The address of a query layer whose clock stands at NOW."""
    with serving(create_app(settings, now=lambda: NOW)) as url:
        yield url


@contextmanager
def sdk(service: str, url: str) -> Iterator[Any]:
    """A client of that service."""
    made = boto3.client(
        service,
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}),
    )
    try:
        yield made
    finally:
        made.close()
