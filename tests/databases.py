"""Lend databases with all tables to tests: to create the tables takes longer than most tests."""

import asyncio
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.config.settings import Settings
from pipeline.store.schema.migrate import migrate
from tests import services

TABLES = """
SELECT database, name, uuid, create_table_query FROM system.tables
WHERE startsWith(database, '{name}') ORDER BY database, name
"""
EMPTY = "TRUNCATE ALL TABLES FROM {name} NOT LIKE 'migrations'"


class Databases:
    """The databases of one server. One whose tables a test has changed is dropped, and the next test gets another."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._free: list[tuple[str, str]] = []

    @contextmanager
    def empty(self) -> Iterator[Settings]:
        """Yield settings with an empty database that no other test uses during the block."""
        name, tables = self._free.pop() if self._free else self._made()
        yield Settings(clickhouse=self._url, clickhouse_database=name)
        if self._ask(TABLES, name) == tables:
            self._ask(EMPTY, name)
            self._free.append((name, tables))
        else:
            self._ask("DROP DATABASE {name}", name)

    def _made(self) -> tuple[str, str]:
        name = f"test_{uuid.uuid4().hex}"
        asyncio.run(migrate(Settings(clickhouse=self._url, clickhouse_database=name)))
        return name, self._ask(TABLES, name)

    def _ask(self, statement: str, name: str) -> str:
        return services.ask(self._url, statement.format(name=name)).text
