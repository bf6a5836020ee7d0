"""Create the views of `schemas/views.py`, and replace those that differ from the settings."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from pipeline.config.settings import Settings
from pipeline.store.connection.client import ClickHouse
from pipeline.store.schema.cluster_ddl import render
from pipeline.store.schema.definitions import format_statements, identifier, literal
from schemas.fold_rules import VISITS_SINCE
from schemas.views import VIEWS, WITHOUT_VISITS, View

FIND_VIEWS = """
SELECT name, create_table_query FROM system.tables
WHERE database = {database:String} AND name IN {names:Array(String)}
"""
CURRENT_USER = "SELECT currentUser()"

SETTINGS = (
    # a key contains its start and so lies in one partition: FINAL need not merge across partitions
    "do_not_merge_across_partitions_select_final = 1, "
    # with FINAL, conditions on the key alone may be evaluated before it: all versions of a row share them
    "optimize_move_to_prewhere_if_final = 1"
)
"""Settings of each view. A user who is read-only (readonly = 1) reads without them: the same rows, more slowly."""

_NAMES = re.compile(r"\b(FROM|VIEW) (?:\w+|`(?:[^`\\]|\\.)*`)\.")
_DIFFERENCES = re.compile(r"(?<=^CREATE )OR REPLACE | ON CLUSTER \S+")
"""What a statement has and the view that it creates has not."""


async def replace_views(clickhouse: ClickHouse, settings: Settings, *, dry_run: bool = False) -> list[str]:
    """Create or replace the views that differ, and return a phrase for each change made (or due, with `dry_run`).

    They run with the rights of the current user, so that others need rights to nothing but the views.

    Raises:
        TransientError: a retry may succeed. StatementError: ClickHouse rejects the change.
    """
    ((definer,),) = await clickhouse.rows(CURRENT_USER)
    wanted = {view.name: render(view_statement(view, settings, definer), clickhouse.cluster) for view in VIEWS}
    current = await _current_texts(clickhouse, settings)
    texts = await _normalize(clickhouse, {name: wanted[name][-1] for name in current})
    changed = [name for name in wanted if name not in current or current[name] != texts[name]]
    if not dry_run:
        for statement in chain.from_iterable(wanted[name] for name in changed):
            await clickhouse.command(statement)
    return [f"view {name} (Dropped after {', '.join(_describe(settings))})" for name in changed]


def view_statement(view: View, settings: Settings, definer: str) -> str:
    """Return the statement that creates the view, or replaces it."""
    columns = ",\n".join(f"    {name} {kind} COMMENT {literal(comment)}" for name, kind, _, comment in view.columns)
    results = ",\n".join(f"    {sql} AS {name}" for name, _, sql, _ in view.columns)
    return f"""\
CREATE OR REPLACE VIEW {view.name}
(
{columns}
)
DEFINER = {identifier(definer)} SQL SECURITY DEFINER
COMMENT {literal(view.comment)}
AS
WITH
    {_is_idle(settings)} AS is_idle{_checked(view)}
SELECT
{results}
FROM conversations AS c FINAL
{_array_join(view)}SETTINGS {SETTINGS}"""  # noqa: S608 - constants, and ids of bots that the settings validate


def _checked(view: View) -> str:
    """Return an expression that throws for a row without visits, if the view needs them."""
    if not view.arrays:
        return ""
    return f",\n    throwIf(c.fold < {VISITS_SINCE}, {literal(WITHOUT_VISITS)}) AS checked"


def _array_join(view: View) -> str:
    """Return the clause that makes a row of each item; empty for a row a conversation.

    Each array is checked, since ClickHouse evaluates only those that a query needs. To take an element of a tuple costs
    nothing; a condition in WHERE would throw for rows, too, that the query's own conditions exclude.
    """
    if not view.arrays:
        return ""
    items = {"position": f"arrayEnumerate(c.{view.arrays[0]})", **{name: f"c.{name}" for name in view.arrays}}
    return "ARRAY JOIN\n" + ",\n".join(f"    ({sql}, checked).1 AS {name}" for name, sql in items.items()) + "\n"


def _is_idle(settings: Settings) -> str:
    """Return the condition under which an open conversation is Dropped, as the query layer evaluates it."""
    times = {bot_id: _ms(seconds) for bot_id, seconds in sorted(settings.idle_ttl_bots.items())}
    idle = str(_ms(settings.idle_ttl))
    if times:
        idle = f"transform(c.bot_id, [{', '.join(map(literal, times))}], {[*times.values()]}, {idle})"
    return f"c.end < now64(3, 'UTC') - toIntervalMillisecond({idle})"


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _describe(settings: Settings) -> Iterator[str]:
    yield f"{settings.idle_ttl:g} s"
    yield from (f"of bot {bot_id} {seconds:g} s" for bot_id, seconds in sorted(settings.idle_ttl_bots.items()))


async def _current_texts(clickhouse: ClickHouse, settings: Settings) -> dict[str, str]:
    """Read the text of each view that exists."""
    suffix = "_local" if clickhouse.cluster else ""
    names = {"database": settings.clickhouse_database, "names": [view.name + suffix for view in VIEWS]}
    rows = await clickhouse.rows(FIND_VIEWS, names)
    return {name.removesuffix(suffix): _NAMES.sub(r"\1 ", text) for name, text in rows}


async def _normalize(clickhouse: ClickHouse, statements: Mapping[str, str]) -> dict[str, str]:
    """Return the text that ClickHouse stores of each view that a statement creates, without the database."""
    formatted = await format_statements(clickhouse, [*statements.values()]) if statements else []
    texts = (_NAMES.sub(r"\1 ", _DIFFERENCES.sub("", text)) for text in formatted)
    return dict(zip(statements, texts, strict=True))
