"""Set the time to live of each table in ClickHouse as the settings define it."""

import re
from collections.abc import Iterator, Mapping

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.definitions import format_statement, literal

COUNTED_FROM = {"turns": "timestamp", "conversations": "end"}
"""Table -> the time column from which the time to live counts."""
DAY_S = 86_400

FIND_ENGINES = """
SELECT name, engine_full FROM system.tables
WHERE database = {database:String} AND name IN {tables:Array(String)}
"""
OWN_CLAUSE = re.compile(r"`?(timestamp|end)`? \+ toIntervalSecond\(\d+\)")
"""How our clauses begin; where nothing expires, other clauses are left alone."""


def ttl(table: str, settings: Settings) -> str:
    """Return the clause that the table should have; empty if everything is kept for good.

    Bots with a time of their own have a clause of their own: no time is so long that it would mean for good.
    """
    days, bots = _days(table, settings)
    own = {bot_id: of_bot for bot_id, of_bot in sorted(bots.items()) if of_bot != days}
    clauses = []
    if days:
        others = f" WHERE bot_id NOT IN ({', '.join(map(literal, own))})" if own else ""
        clauses.append(_expires(table, days) + others)
    clauses += [f"{_expires(table, of_bot)} WHERE bot_id = {literal(bot)}" for bot, of_bot in own.items() if of_bot]
    return ", ".join(clauses)


async def retain(clickhouse: ClickHouse, settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Set the time to live of each table, and return a phrase for each change made (or due, with `dry_run`).

    ClickHouse deletes expired rows in the background, when it merges parts.

    Raises:
        TransientError: a retry may succeed. StatementError: ClickHouse rejects the change.
    """
    changed = []
    clauses = await _current_clauses(clickhouse, settings)
    for table in COUNTED_FROM:
        wanted, current = await _normalize(clickhouse, ttl(table, settings)), clauses.get(table, "")
        if wanted == current or (not wanted and not OWN_CLAUSE.match(current)):
            continue
        if not dry_run:
            change = f"MODIFY TTL {wanted}" if wanted else "REMOVE TTL"
            for statement in render(f"ALTER TABLE {table} {change}", clickhouse.cluster):
                await clickhouse.command(f"{statement} SETTINGS mutations_sync = 0")
        changed.append(f"time to live of {table} ({', '.join(_describe(table, settings))})")
    return changed


def _days(table: str, settings: Settings) -> tuple[float, Mapping[str, float]]:
    if table == "turns":
        return settings.archive_days, settings.archive_days_bots
    return settings.conversation_days, settings.conversation_days_bots


def _expires(table: str, days: float) -> str:
    return f"{COUNTED_FROM[table]} + toIntervalSecond({max(1, round(days * DAY_S))})"


def _describe(table: str, settings: Settings) -> Iterator[str]:
    days, bots = _days(table, settings)
    yield _span(days)
    yield from (f"of bot {bot_id} {_span(of_bot)}" for bot_id, of_bot in sorted(bots.items()) if of_bot != days)


def _span(days: float) -> str:
    return f"{days:g} days" if days else "for good"


async def _current_clauses(clickhouse: ClickHouse, settings: Settings) -> dict[str, str]:
    """Read the clause that each table has."""
    suffix = "_local" if clickhouse.cluster else ""
    names = {"database": settings.clickhouse_database, "tables": [table + suffix for table in COUNTED_FROM]}
    rows = await clickhouse.rows(FIND_ENGINES, names)
    return {name.removesuffix(suffix): _clause(engine) for name, engine in rows}


async def _normalize(clickhouse: ClickHouse, clause: str) -> str:
    if not clause:
        return ""
    statement = f"CREATE TABLE x (a Int8) ENGINE = MergeTree ORDER BY a TTL {clause}"
    return _clause(await format_statement(clickhouse, statement))


def _clause(engine: str) -> str:
    return engine.partition(" TTL ")[2].partition(" SETTINGS ")[0]
