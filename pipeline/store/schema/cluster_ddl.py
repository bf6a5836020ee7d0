"""Render statements for a ClickHouse cluster, and define the settings that make it behave like a single server."""

import re
from collections.abc import Callable, Mapping
from functools import partial

from pipeline.config.settings import Settings
from pipeline.store.schema.alter import TOKEN, render_alter

SHARDED_BY = {
    "turns": "session_id",
    "conversations": "session_id",
    "bots": "bot_name",
    "migrations": "name",
    "runs": "run",
    "forgotten": "session",
    "forgotten_events": "session",
}
"""Table -> the column whose hash decides on which shard a row is stored. All data of one session is on one shard: there
FINAL and the repair of an audit see every version of a row, and a condition on both tables needs no other shard."""


def render(statement: str, cluster: str) -> tuple[str, ...]:
    """Render the statements to run in place of `statement`; without a cluster, just itself.

    On a cluster a table `x` is two tables: `x_local`, replicated, holds the rows of a shard, and `x`, Distributed,
    reads and writes all shards. Definitions and deletions concern the former, everything else uses the latter.

    Args:
        statement: a statement of one of the forms in `FORMS`, perhaps with comments in front.
        cluster: its name in ClickHouse's configuration, without quotes; empty for a single server.

    Raises:
        ValueError: the statement has another form, or its table has no sharding column.
    """
    if not cluster:
        return (statement,)
    bare = re.sub(r"\A(\s*--[^\n]*\n)*", "", statement).strip()
    for pattern, render_form in FORMS.items():
        if match := re.fullmatch(pattern, bare, re.DOTALL):
            return render_form(match.groupdict(), f"ON CLUSTER '{cluster}'", cluster)
    known = "\n".join(FORMS)
    raise ValueError(f"unsupported statement on a cluster: {bare!r}; supported forms are\n{known}")


def _table(groups: Mapping[str, str], on_cluster: str, cluster: str) -> tuple[str, ...]:
    table, definition, engine = _sharded(groups["table"]), groups["definition"], groups["engine"]
    # Keeper path and replica name come from the server's configuration
    local = f"CREATE TABLE IF NOT EXISTS {table}_local {on_cluster}\n{definition}\nENGINE = Replicated{engine}"
    distributed = (
        f"CREATE TABLE IF NOT EXISTS {table} {on_cluster} AS {table}_local\n"
        f"ENGINE = Distributed('{cluster}', currentDatabase(), '{table}_local', cityHash64({SHARDED_BY[table]}))"
    )
    return local, distributed


def _unchanged(groups: Mapping[str, str], _on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (groups["statement"],)


def _alter(groups: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return render_alter(_sharded(groups["table"]), groups["changes"], on_cluster)


def _inserting_view(groups: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    """Render a view that fills another table on inserts: on each shard, from the rows of the replica that inserts."""
    target = _sharded(groups["to"])
    return (f"{groups['head']} {on_cluster} TO {target}_local AS\n{_over_local_tables(groups['select'])}",)


def _view_over_all_shards(groups: Mapping[str, str], on_cluster: str, cluster: str) -> tuple[str, ...]:
    """Render a view of one conversation or more: each shard reads its own, and evaluates the conditions of the query.

    A view over Distributed tables would read all rows of all shards, whatever the conditions.
    """
    view, columns = groups["view"], groups["columns"]
    key = f"cityHash64({SHARDED_BY['conversations']})"
    engine = f"ENGINE = Distributed('{cluster}', currentDatabase(), '{view}_local', {key})"
    local = f"CREATE OR REPLACE VIEW {view}_local {on_cluster}\n{columns}\n{groups['rights']}\n"
    return (
        f"CREATE OR REPLACE TABLE {view} {on_cluster}\n{columns}\n{engine}",
        f"{local}AS\n{_over_local_tables(groups['select'])}",
    )


def _modify_query(groups: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (f"ALTER TABLE {groups['view']} {on_cluster} MODIFY QUERY {_over_local_tables(groups['select'])}",)


def _over_local_tables(select: str) -> str:
    """Make a SELECT read the local tables."""
    tables = rf"\b(FROM|JOIN)(\s+)({'|'.join(SHARDED_BY)})\b"
    literal = ("'", "`", '"', "-", "/")
    return "".join(
        token if token.startswith(literal) else re.sub(tables, r"\1\2\3_local", token)
        for token in TOKEN.findall(select)
    )


def _sharded(table: str) -> str:
    if table not in SHARDED_BY:
        raise ValueError(f"SHARDED_BY has no column for table {table}, only for {', '.join(SHARDED_BY)}")
    return table


def _template(text: str, groups: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (text.format(**groups, on_cluster=on_cluster),)


FORMS: Mapping[str, Callable[[Mapping[str, str], str, str], tuple[str, ...]]] = {
    r"(?P<head>CREATE DATABASE IF NOT EXISTS \S+)": partial(_template, "{head} {on_cluster}"),
    r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)\n(?P<definition>\(\n.*\n\))\n"
    r"ENGINE = (?P<engine>ReplacingMergeTree\b.*)": _table,
    r"(?P<head>CREATE MATERIALIZED VIEW IF NOT EXISTS \w+) TO (?P<to>\w+) AS\n(?P<select>SELECT .+)": _inserting_view,
    r"(?P<head>CREATE (?:OR REPLACE VIEW|VIEW IF NOT EXISTS) \w+) AS\n(?P<select>SELECT .+)": partial(
        _template, "{head} {on_cluster} AS\n{select}"
    ),
    r"CREATE OR REPLACE VIEW (?P<view>\w+)\n(?P<columns>\(\n.*?\n\))\n(?P<rights>DEFINER = .*?)\nAS\n"
    r"(?P<select>(?:WITH|SELECT)\b.+)": _view_over_all_shards,
    r"(?P<head>DROP VIEW IF EXISTS \w+)": partial(_template, "{head} {on_cluster}"),
    r"ALTER TABLE (?P<view>\w+)\s+MODIFY QUERY (?P<select>SELECT .+)": _modify_query,
    r"ALTER TABLE (?P<table>\w+)\s+(?P<changes>.+)": _alter,
    r"DELETE FROM (?P<table>\w+)\n(?P<where>WHERE .+)": partial(
        _template, "DELETE FROM {table}_local {on_cluster}\n{where}"
    ),
    r"(?P<statement>INSERT INTO .+)": _unchanged,
}
"""Pattern of a supported statement -> the function that renders it for a cluster."""


SHARE = 0.8
"""Share of the client's timeout that the server may use: then its own error names the replica that it waits for."""


def cluster_options(settings: Settings) -> dict[str, str | int]:
    """Return ClickHouse's settings for a cluster, by name; none for a single server.

    Together they make a statement's result independent of the replica that executes it: a worker reads back its own
    events, and those of the worker that had a partition before it.
    """
    if not settings.clickhouse_cluster:
        return {}
    timeout = max(1.0, settings.clickhouse_timeout * SHARE)
    return {
        # an insert returns when the shards have it, not when one server has queued it: offsets are committed then
        "distributed_foreground_insert": 1,
        # and only when most replicas have it, so that the loss of one replica loses nothing
        "insert_quorum": "auto",
        # quorum inserts run one after the other: else no replica knows whether it has all of them
        "insert_quorum_parallel": 0,
        "insert_quorum_timeout": int(1000 * timeout),
        # a replica that lacks an acknowledged insert refuses to answer, and the caller retries
        "select_sequential_consistency": 1,
        # so reads use the replica that everyone writes to
        "load_balancing": "in_order",
        # rows may be inserted again after they were deleted; duplicates are replaced anyway
        "deduplicate_insert": "disable",
        # subqueries run on each shard: both tables have the same sharding
        "distributed_product_mode": "local",
        "distributed_ddl_task_timeout": int(timeout),
    }
