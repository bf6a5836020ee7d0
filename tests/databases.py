"""Lend databases with all tables to tests: to migrate a database takes longer than most tests."""

import asyncio
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pipeline.config.settings import Settings
from pipeline.store.schema.migrate import migrate, migrations
from tests import services

TEMPLATE = "template_of_tests"
STATEMENTS = """
SELECT arrayStringConcat(groupArray(create_table_query), ' PARALLEL WITH ') FROM system.tables
WHERE database = '{name}' GROUP BY engine LIKE '%View' AS is_view ORDER BY is_view FORMAT LineAsString
"""
APPLIED = "INSERT INTO {name}.migrations (name) VALUES "
TABLES = """
SELECT database, name, uuid, create_table_query FROM system.tables
WHERE startsWith(database, '{name}') ORDER BY database, name
"""
EMPTY = "TRUNCATE ALL TABLES FROM {name} NOT LIKE 'migrations'"
MERGE = "SYSTEM START MERGES"
"""For the next test: without merges, a deletion never ends."""

_schema: list[str] = []
"""The statements that create what all migrations together create, once the first database was migrated."""


def create_tables(url: str, database: str) -> None:
    """Create a database as `migrate` does, by a fifth of its statements."""
    if not _schema:
        _schema.extend(_read_schema(url))
    for statement in _schema:
        assert services.ask(url, statement.replace(TEMPLATE, database)).text == ""


def _read_schema(url: str) -> Sequence[str]:
    names = asyncio.run(migrate(Settings(clickhouse=url, clickhouse_database=TEMPLATE)))
    tables, views = services.ask(url, STATEMENTS.format(name=TEMPLATE)).text.splitlines()
    services.ask(url, f"DROP DATABASE {TEMPLATE} SYNC")
    applied = ", ".join(f"('{migration.name}')" for migration in migrations() if migration.name in names)
    return f"CREATE DATABASE IF NOT EXISTS {TEMPLATE}", tables, views, APPLIED.format(name=TEMPLATE) + applied


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
            self._ask(MERGE, name)
            self._free.append((name, tables))
        else:
            self._ask("DROP DATABASE {name}", name)

    def _made(self) -> tuple[str, str]:
        name = f"test_{uuid.uuid4().hex}"
        create_tables(self._url, name)
        return name, self._ask(TABLES, name)

    def _ask(self, statement: str, name: str) -> str:
        return services.ask(self._url, statement.format(name=name)).text
