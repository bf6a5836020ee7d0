"""Add the projections of `schemas/projections.py` to table `conversations`."""

import re
from collections.abc import Sequence

from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError
from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.definitions import conversations_definition, format_statements
from schemas.projections import MODES, PROJECTIONS, Projection

CLICKHOUSE_GRANULARITY = 8192
"""Rows of a block where a table does not say."""
COUNT_MODES = "SELECT count() FROM system.merge_tree_settings WHERE name IN {modes:Array(String)}"


async def add_projections(clickhouse: ClickHouse, settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Add the projections that the table lacks, and return a phrase for each one added (or due, with `dry_run`).

    ClickHouse fills them for the rows that are there in the background. A server that cannot rebuild projections when
    it merges or deletes gets none: pages are the same without them, and take longer.

    Raises:
        TransientError: a retry may succeed. StatementError: ClickHouse rejects the change.
    """
    table = await conversations_definition(clickhouse, settings)
    found = set(re.findall(r"\bPROJECTION `?(\w+)", table))
    missing = [each for each in PROJECTIONS if each.name not in found]
    if not missing:
        return []
    statements = projection_statements(missing, _granularity(table))
    if not await _is_supported(clickhouse, statements):
        return []
    if not dry_run:
        for statement in statements:
            for rendered in render(statement, clickhouse.cluster):
                await clickhouse.command(f"{rendered} SETTINGS mutations_sync = 0")
    return [f"projection {each.name} of conversations" for each in missing]


def projection_statements(projections: Sequence[Projection], granularity: int) -> list[str]:
    """Return the statements that add the projections to the table, which has so many rows a block: new rows and old."""
    modes = ", ".join(f"{mode} = 'rebuild'" for mode in MODES)
    # one statement for definition and old rows: a process that dies leaves no projection that these never get
    added = (
        f"ADD PROJECTION IF NOT EXISTS {each.name} {each.definition(granularity)}, MATERIALIZE PROJECTION {each.name}"
        for each in projections
    )
    return [f"ALTER TABLE conversations {changes}" for changes in (f"MODIFY SETTING {modes}", *added)]


async def _is_supported(clickhouse: ClickHouse, statements: Sequence[str]) -> bool:
    """Return whether the server has the settings of the table, and can parse the statements."""
    ((modes,),) = await clickhouse.rows(COUNT_MODES, {"modes": list(MODES)})
    try:
        await format_statements(clickhouse, statements)
    except StatementError:
        return False
    return bool(modes == len(MODES))


def _granularity(table: str) -> int:
    """Return the rows of a block. Tables that an earlier version created keep those that they have."""
    match = re.search(r"\bENGINE = .*\bindex_granularity = (\d+)", table)
    return int(match[1]) if match else CLICKHOUSE_GRANULARITY
