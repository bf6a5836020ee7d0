"""Render our statements for a ClickHouse cluster, and the settings by which it answers like one server."""

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
"""The column whose hash decides on which shard a row lies. All that belongs to one session lies on one: FINAL and
the repair of an audit see every version of a row there, and a condition on both tables needs no other shard."""


def render(statement: str, cluster: str) -> tuple[str, ...]:
    """The statements to run in place of `statement`; without a cluster, just itself.

    On a cluster a table `x` is two: `x_local`, replicated, holds a shard's rows, and `x` is all shards seen as one.
    Definitions and deletions concern the former, everything else goes through the latter.

    Args:
        statement: one of the forms that `FORMS` lists, perhaps with comments in front.
        cluster: its name in ClickHouse's configuration, without quotes; empty: one server.

    Raises:
        ValueError: the statement has another form, or its table no sharding.
    """
    if not cluster:
        return (statement,)
    bare = re.sub(r"\A(\s*--[^\n]*\n)*", "", statement).strip()
    for pattern, on_cluster in FORMS.items():
        if found := re.fullmatch(pattern, bare, re.DOTALL):
            return on_cluster(found.groupdict(), f"ON CLUSTER '{cluster}'", cluster)
    known = "\n".join(FORMS)
    raise ValueError(f"no rule says what this is on a cluster: {bare!r}; there are rules for\n{known}")


def _table(found: Mapping[str, str], on_cluster: str, cluster: str) -> tuple[str, ...]:
    table, definition, engine = _known(found["table"]), found["definition"], found["engine"]
    # the path in Keeper and the replica's name are those of the server's configuration
    local = f"CREATE TABLE IF NOT EXISTS {table}_local {on_cluster}\n{definition}\nENGINE = Replicated{engine}"
    seen = (
        f"CREATE TABLE IF NOT EXISTS {table} {on_cluster} AS {table}_local\n"
        f"ENGINE = Distributed('{cluster}', currentDatabase(), '{table}_local', cityHash64({SHARDED_BY[table]}))"
    )
    return local, seen


def _as_it_is(found: Mapping[str, str], _on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (found["statement"],)


def _alter(found: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return render_alter(_known(found["table"]), found["changes"], on_cluster)


def _fed_view(found: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    """A view that tells another table of each insert: each shard of its own rows, on the replica that takes them in."""
    target = _known(found["to"])
    return (f"{found['head']} {on_cluster} TO {target}_local AS\n{_of_one_shard(found['select'])}",)


def _other_query(found: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (f"ALTER TABLE {found['view']} {on_cluster} MODIFY QUERY {_of_one_shard(found['select'])}",)


def _of_one_shard(select: str) -> str:
    """The same SELECT over the local tables."""
    tables = rf"\b(FROM|JOIN)(\s+)({'|'.join(SHARDED_BY)})\b"
    literal = ("'", "`", '"', "-", "/")
    return "".join(
        token if token.startswith(literal) else re.sub(tables, r"\1\2\3_local", token)
        for token in TOKEN.findall(select)
    )


def _known(table: str) -> str:
    if table not in SHARDED_BY:
        raise ValueError(f"SHARDED_BY should name a column of {table}: it has those of {', '.join(SHARDED_BY)}")
    return table


def _template(text: str, found: Mapping[str, str], on_cluster: str, _cluster: str) -> tuple[str, ...]:
    return (text.format(**found, on_cluster=on_cluster),)


FORMS: Mapping[str, Callable[[Mapping[str, str], str, str], tuple[str, ...]]] = {
    r"(?P<head>CREATE DATABASE IF NOT EXISTS \S+)": partial(_template, "{head} {on_cluster}"),
    r"CREATE TABLE IF NOT EXISTS (?P<table>\w+)\n(?P<definition>\(\n.*\n\))\n"
    r"ENGINE = (?P<engine>ReplacingMergeTree\b.*)": _table,
    r"(?P<head>CREATE MATERIALIZED VIEW IF NOT EXISTS \w+) TO (?P<to>\w+) AS\n(?P<select>SELECT .+)": _fed_view,
    r"(?P<head>CREATE (?:OR REPLACE VIEW|VIEW IF NOT EXISTS) \w+) AS\n(?P<select>SELECT .+)": partial(
        _template, "{head} {on_cluster} AS\n{select}"
    ),
    r"(?P<head>DROP VIEW IF EXISTS \w+)": partial(_template, "{head} {on_cluster}"),
    r"ALTER TABLE (?P<view>\w+)\s+MODIFY QUERY (?P<select>SELECT .+)": _other_query,
    r"ALTER TABLE (?P<table>\w+)\s+(?P<changes>.+)": _alter,
    r"DELETE FROM (?P<table>\w+)\n(?P<where>WHERE .+)": partial(
        _template, "DELETE FROM {table}_local {on_cluster}\n{where}"
    ),
    r"(?P<statement>INSERT INTO .+)": _as_it_is,
}
"""What a statement of ours may look like, and what it becomes on a cluster."""


SHARE = 0.8
"""Of the time that a client waits, the server may use this much: then it says itself which replica it waits for."""


def cluster_options(settings: Settings) -> dict[str, str | int]:
    """ClickHouse's settings for a cluster, by name; nothing for one server.

    Together they make what a statement sees independent of the replica that answers it: a worker reads back its
    own events, and those of the worker that had a partition before it.
    """
    if not settings.clickhouse_cluster:
        return {}
    patience = max(1.0, settings.clickhouse_timeout * SHARE)
    return {
        # an insert is done when the shards have it, not when the server that was asked has queued it:
        # offsets are committed on its word
        "distributed_foreground_insert": 1,
        # and has not happened until most replicas have it, so that losing one loses nothing
        "insert_quorum": "auto",
        # one after the other, without which no replica knows whether it has all of them
        "insert_quorum_parallel": 0,
        "insert_quorum_timeout": int(1000 * patience),
        # a replica that lacks an acknowledged insert does not answer; whoever asked tries again
        "select_sequential_consistency": 1,
        # and so the replica that everyone writes to is also the one that is asked
        "load_balancing": "in_order",
        # the same rows once more are wanted after they were deleted; doubled ones are replaced anyway
        "deduplicate_insert": "disable",
        # subqueries stay on their shard: both tables are sharded alike
        "distributed_product_mode": "local",
        "distributed_ddl_task_timeout": int(patience),
    }
