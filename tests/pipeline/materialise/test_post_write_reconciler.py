"""Rows of live and shadow tables become the fold by the rules of the settings."""

import asyncio

import msgspec

from pipeline.config.settings import Settings
from pipeline.materialise.erasure_filter import ErasureFilter
from pipeline.store.schema.shadow_tables import create_shadow_tables, shadow_database
from tests.pipeline.audit.tables import folded
from tests.pipeline.materialise.test_writer import FIRST, flush, writing


def test_rows_of_shadow_tables_are_reconciled_too(with_tables: Settings) -> None:
    """A worker that was behind may have written one after the audit of these tables."""
    events = [msgspec.structs.replace(FIRST, request_id=f"r{n}", timestamp=FIRST.timestamp + n) for n in range(2)]

    async def go() -> None:
        async with writing(with_tables) as (writer, server):
            await create_shadow_tables(with_tables)
            await flush(writer, events)
            tables = (await writer.last_state()).tables
            await writer.write_rows(tables, folded(events[1:]))
            await writer.reconcile_after_write([FIRST.key], ErasureFilter(events, lambda _: None), shared=True)
            for database in (shadow_database(with_tables), with_tables.clickhouse_database):
                rows = await server.rows(f"SELECT start, version FROM {database}.conversations FINAL")  # noqa: S608
                assert rows == [(FIRST.timestamp, 2)], database

    asyncio.run(go())


def test_reconciled_rows_are_the_fold_by_the_rules_of_the_settings(with_tables: Settings) -> None:
    settings = msgspec.structs.replace(with_tables, fallback_intents=(FIRST.intent_name,))

    async def go() -> None:
        async with writing(settings) as (writer, server):
            await flush(writer, [FIRST])
            await writer.reconcile_after_write([FIRST.key], ErasureFilter([FIRST], lambda _: None), shared=True)
            assert await server.rows("SELECT end_state FROM conversations FINAL") == [("Failure",)]

    asyncio.run(go())
