"""Statements are rendered for a cluster, whose tables answer like those of one server, as far as one engine shows.

The engine knows clusters, `ON CLUSTER` and replicated tables, but takes no part in them: it runs no queue of
definitions and offers its parts to no other. So the tables here are what the renderer says, without these two parts.
Whether the replicas of a shard agree is not tested here; that the settings which ensure it are sent is.
"""

import asyncio
import re
import subprocess
import uuid
from collections.abc import Awaitable, Callable, Iterator

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.runtime.errors import StatementError, TransientError, UsageError
from pipeline.runtime.sockets import free_port
from pipeline.store import erasures
from pipeline.store.archive import read_back, write
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.conversations import read_archive_and_rows
from pipeline.store.health import unavailable_reason
from pipeline.store.key_ranges import parts
from pipeline.store.schema.cluster_ddl import FORMS, cluster_options, render
from pipeline.store.schema.migrate import CREATE, RECORD, migrate, migrations
from pipeline.store.schema.projections import projection_statements
from pipeline.store.schema.views import replace_views, view_statement
from pipeline.store.scope import Scope
from pipeline.store.unexplained_rows import DELETE, delete_rows, rows_newer_than
from schemas.projections import PROJECTIONS
from schemas.topics import DAY_MS
from schemas.turn import ArchivedTurn
from schemas.views import CONVERSATIONS, VIEWS
from tests import services
from tests.clickhouse_runner import each_by_itself
from tests.events import RULES, START, turn
from tests.paths import ROOT
from tests.pipeline.query.table import Table, identities
from tests.pipeline.store.schema.formatting import formatted


def on_both(table: str, name: str) -> list[str]:
    """Return a migration that adds columns as a cluster runs it: on the local tables, then on the distributed one."""
    (statement,) = (migration.statement for migration in migrations() if migration.name == name)
    head, _, changes = statement.partition(f"ALTER TABLE {table}\n")
    assert all(line.startswith("--") for line in head.splitlines())
    line = " ".join(changes.split())
    return [f"ALTER TABLE {each} ON CLUSTER 'blue' {line}" for each in (f"{table}_local", table)]


RENDERED = {
    "0001_turns.sql": [
        """\
CREATE TABLE IF NOT EXISTS turns_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree
PARTITION BY toYYYYMM(timestamp)
ORDER BY (bot_id, session_id, originating_request_id, timestamp, request_id, response_reason)""",
        """\
CREATE TABLE IF NOT EXISTS turns ON CLUSTER 'blue' AS turns_local
ENGINE = Distributed('blue', currentDatabase(), 'turns_local', cityHash64(session_id))""",
    ],
    "0002_conversations.sql": [
        """\
CREATE TABLE IF NOT EXISTS conversations_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(start)
ORDER BY (bot_id, start, session_id, originating_request_id)
SETTINGS index_granularity = 1024, min_compress_block_size = 8192, max_compress_block_size = 16384""",
        """\
CREATE TABLE IF NOT EXISTS conversations ON CLUSTER 'blue' AS conversations_local
ENGINE = Distributed('blue', currentDatabase(), 'conversations_local', cityHash64(session_id))""",
    ],
    "0003_bots.sql": [
        """\
CREATE TABLE IF NOT EXISTS bots_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY (bot_name, bot_id)""",
        """\
CREATE TABLE IF NOT EXISTS bots ON CLUSTER 'blue' AS bots_local
ENGINE = Distributed('blue', currentDatabase(), 'bots_local', cityHash64(bot_name))""",
    ],
    "0004_bots_from_turns.sql": [
        """\
CREATE MATERIALIZED VIEW IF NOT EXISTS bots_from_turns ON CLUSTER 'blue' TO bots_local AS
SELECT DISTINCT bot_name, bot_id
FROM turns_local
WHERE bot_name != ''"""
    ],
    "0005_bots_before.sql": [
        """\
INSERT INTO bots (bot_name, bot_id)
SELECT DISTINCT bot_name, bot_id
FROM turns
WHERE bot_name != ''"""
    ],
    "0006_turns_session_index.sql": [
        (
            "ALTER TABLE turns_local ON CLUSTER 'blue' "
            "ADD INDEX IF NOT EXISTS sessions session_id TYPE bloom_filter(0.001) GRANULARITY 1"
        )
    ],
    "0007_turns_session_index_before.sql": ["ALTER TABLE turns_local ON CLUSTER 'blue' MATERIALIZE INDEX sessions"],
    "0008_runs.sql": [
        """\
CREATE TABLE IF NOT EXISTS runs_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree(saved)
ORDER BY (run, unit)""",
        """\
CREATE TABLE IF NOT EXISTS runs ON CLUSTER 'blue' AS runs_local
ENGINE = Distributed('blue', currentDatabase(), 'runs_local', cityHash64(run))""",
    ],
    "0009_conversations_session_index.sql": [
        (
            "ALTER TABLE conversations_local ON CLUSTER 'blue' "
            "ADD INDEX IF NOT EXISTS sessions session_id TYPE bloom_filter(0.001) GRANULARITY 1"
        )
    ],
    "0010_conversations_session_index_before.sql": [
        "ALTER TABLE conversations_local ON CLUSTER 'blue' MATERIALIZE INDEX sessions"
    ],
    "0011_forgotten.sql": [
        """\
CREATE TABLE IF NOT EXISTS forgotten_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree(until)
ORDER BY (session, bot_id)""",
        """\
CREATE TABLE IF NOT EXISTS forgotten ON CLUSTER 'blue' AS forgotten_local
ENGINE = Distributed('blue', currentDatabase(), 'forgotten_local', cityHash64(session))""",
    ],
    "0012_turns_parts.sql": [
        (
            "ALTER TABLE turns_local ON CLUSTER 'blue' "
            "MODIFY SETTING min_bytes_for_wide_part = 268435456, merge_selector_base = 10"
        )
    ],
    "0013_turns_content.sql": [
        (
            "ALTER TABLE turns_local ON CLUSTER 'blue' ADD COLUMN IF NOT EXISTS content UInt64 COMMENT 'digest of the "
            "payload; 0: archived before there were any' AFTER missed_utterance, MODIFY ORDER BY (bot_id, session_id, "
            "originating_request_id, timestamp, request_id, response_reason, content)"
        ),
        (
            "ALTER TABLE turns ON CLUSTER 'blue' ADD COLUMN IF NOT EXISTS content UInt64 COMMENT 'digest of the "
            "payload; 0: archived before there were any' AFTER missed_utterance"
        ),
    ],
    "0014_forgotten_ends.sql": [
        f"ALTER TABLE {table} ON CLUSTER 'blue' ADD COLUMN IF NOT EXISTS ends String "
        "COMMENT 'JSON: where the topics ended when that was said'"
        for table in ("forgotten_local", "forgotten")
    ],
    "0015_forgotten_events.sql": [
        """\
CREATE TABLE IF NOT EXISTS forgotten_events_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY (session, event)""",
        """\
CREATE TABLE IF NOT EXISTS forgotten_events ON CLUSTER 'blue' AS forgotten_events_local
ENGINE = Distributed('blue', currentDatabase(), 'forgotten_events_local', cityHash64(session))""",
    ],
    "0016_turns_utterance.sql": on_both("turns", "0016_turns_utterance.sql"),
    "0017_conversations_visits.sql": on_both("conversations", "0017_conversations_visits.sql"),
    "0018_conversations_end_index.sql": [
        "ALTER TABLE conversations_local ON CLUSTER 'blue' ADD INDEX IF NOT EXISTS ends end TYPE minmax GRANULARITY 1"
    ],
    "0019_conversations_end_index_before.sql": [
        "ALTER TABLE conversations_local ON CLUSTER 'blue' MATERIALIZE INDEX ends"
    ],
    "0020_conversations_merges.sql": [
        (
            "ALTER TABLE conversations_local ON CLUSTER 'blue' "
            "MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1"
        )
    ],
    "the database": ["CREATE DATABASE IF NOT EXISTS {name:Identifier} ON CLUSTER 'blue'"],
    "the record of migrations": [
        """\
CREATE TABLE IF NOT EXISTS migrations_local ON CLUSTER 'blue'
(
)
ENGINE = ReplicatedReplacingMergeTree
ORDER BY name""",
        """\
CREATE TABLE IF NOT EXISTS migrations ON CLUSTER 'blue' AS migrations_local
ENGINE = Distributed('blue', currentDatabase(), 'migrations_local', cityHash64(name))""",
    ],
    "the audit's deletion": [
        """\
DELETE FROM conversations_local ON CLUSTER 'blue'
WHERE (lower(hex(SHA256(concat(bot_id, '\\0', session_id, '\\0', originating_request_id)))),
  toUnixTimestamp64Milli(start), version) IN {places:Array(Tuple(String, Int64, UInt32))}"""
    ],
    "the deletion of forgotten events": [erasures.EVENTS.replace("turns", "turns_local ON CLUSTER 'blue'").strip()],
    "the deletion of forgotten rows": [
        erasures.ROWS.replace("conversations", "conversations_local ON CLUSTER 'blue'").strip()
    ],
    "a time to live": [
        (
            "ALTER TABLE turns_local ON CLUSTER 'blue' "
            "MODIFY TTL timestamp + toIntervalSecond(86400) SETTINGS mutations_sync = 0"
        )
    ],
    "a view for SQL": [
        """\
CREATE OR REPLACE TABLE v_conversations ON CLUSTER 'blue'
(
)
ENGINE = Distributed('blue', currentDatabase(), 'v_conversations_local', cityHash64(session_id))""",
        """\
CREATE OR REPLACE VIEW v_conversations_local ON CLUSTER 'blue'
(
)
DEFINER = `turnfold` SQL SECURITY DEFINER
COMMENT 'one row a conversation'
AS
WITH
SELECT
FROM conversations_local AS c FINAL
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere_if_final = 1""",
    ],
    "none": ["ALTER TABLE turns_local ON CLUSTER 'blue' REMOVE TTL"],
    "what takes them off the disk": ["ALTER TABLE turns_local ON CLUSTER 'blue' APPLY DELETED MASK"],
}
"""What each is on a cluster, the lines of columns left out."""

STATEMENTS = {
    **{migration.name: migration.statement for migration in migrations()},
    "the database": CREATE,
    "the record of migrations": RECORD,
    "the audit's deletion": DELETE,
    "the deletion of forgotten events": erasures.EVENTS,
    "the deletion of forgotten rows": erasures.ROWS,
    "a time to live": "ALTER TABLE turns MODIFY TTL timestamp + toIntervalSecond(86400) SETTINGS mutations_sync = 0",
    "a view for SQL": view_statement(CONVERSATIONS, Settings(), "turnfold"),
    "none": "ALTER TABLE turns REMOVE TTL",
    "what takes them off the disk": erasures.APPLY.format(table="turns"),
}


def columns(statement: str) -> list[str]:
    """Return the lines of the columns of a CREATE TABLE."""
    return [line for line in statement.splitlines() if line.startswith("    ") and "ALTER TABLE" not in statement]


def test_every_migration_is_looked_at_here() -> None:
    assert STATEMENTS.keys() == RENDERED.keys()


@pytest.mark.parametrize("name", RENDERED)
def test_on_a_cluster_each_statement_becomes_this(name: str) -> None:
    rendered = render(STATEMENTS[name], "blue")
    lines = ["\n".join(line for line in one.splitlines() if line not in columns(one)) for one in rendered]
    assert lines == RENDERED[name]
    assert columns(rendered[-1] if "VIEW" in rendered[-1] else rendered[0]) == columns(STATEMENTS[name])


@pytest.mark.parametrize("name", RENDERED)
def test_on_one_server_nothing_is_changed(name: str) -> None:
    assert render(STATEMENTS[name], "") == (STATEMENTS[name],)


SEEN = "SELECT bot_id, 'FROM turns' AS bot_name FROM turns{0} WHERE bot_id IN (SELECT bot_id FROM conversations{0})"

VIEW_FORMS = {
    "a view that tells of inserts reads the shard's own rows": (
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS seen TO bots AS\n{SEEN.format('')}",
        [f"CREATE MATERIALIZED VIEW IF NOT EXISTS seen ON CLUSTER 'blue' TO bots_local AS\n{SEEN.format('_local')}"],
    ),
    "so does its next query": (
        "ALTER TABLE bots_from_turns MODIFY QUERY SELECT bot_name, bot_id\nFROM turns",
        ["ALTER TABLE bots_from_turns ON CLUSTER 'blue' MODIFY QUERY SELECT bot_name, bot_id\nFROM turns_local"],
    ),
    "a view that is read sees all shards": (
        "CREATE OR REPLACE VIEW talks AS\nSELECT * FROM conversations FINAL",
        ["CREATE OR REPLACE VIEW talks ON CLUSTER 'blue' AS\nSELECT * FROM conversations FINAL"],
    ),
    "a view goes everywhere": ("DROP VIEW IF EXISTS talks", ["DROP VIEW IF EXISTS talks ON CLUSTER 'blue'"]),
}


@pytest.mark.parametrize("statement", [*STATEMENTS.values(), *[one for one, _ in VIEW_FORMS.values()]])
def test_clickhouse_can_read_what_is_rendered(clickhouse_settings: Settings, statement: str) -> None:
    for rendered in render(statement, "blue"):
        assert ("ON CLUSTER blue" in formatted(clickhouse_settings, rendered)) == ("ON CLUSTER" in rendered)


@pytest.mark.parametrize("what", VIEW_FORMS)
def test_views_can_be_changed(what: str) -> None:
    statement, rendered = VIEW_FORMS[what]
    assert list(render(statement, "blue")) == rendered


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE turns",
        "CREATE TABLE IF NOT EXISTS turns\n(\n    a String\n)\nENGINE = MergeTree\nORDER BY a",
        "CREATE TABLE turns (a String) ENGINE = ReplacingMergeTree ORDER BY a",
    ],
)
def test_an_unknown_form_is_refused_with_those_that_are_known(statement: str) -> None:
    with pytest.raises(ValueError, match="supported forms are") as refused:
        render(statement, "blue")
    assert all(form in str(refused.value) for form in FORMS)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE IF NOT EXISTS slots\n(\n    a String\n)\nENGINE = ReplacingMergeTree\nORDER BY a",
        "ALTER TABLE slots ADD COLUMN a String",
        "CREATE MATERIALIZED VIEW IF NOT EXISTS seen TO slots AS\nSELECT bot_id FROM turns",
    ],
)
def test_a_table_without_a_sharding_is_refused(statement: str) -> None:
    with pytest.raises(ValueError, match="SHARDED_BY has no column for table slots"):
        render(statement, "blue")


CONFIGURATION = """
  <tcp_port>9000</tcp_port>
  <remote_servers>
    <one><shard><internal_replication>true</internal_replication>{replica}</shard></one>
    <two><shard>{replica}</shard><shard>{replica}</shard></two>
    <far><shard><replica><host>127.0.0.1</host><port>1</port></replica></shard></far>
  </remote_servers>
""".format(replica="<replica><host>127.0.0.1</host><port>9000</port></replica>")
"""`two` has the one engine for both of its shards: it shows what is refused between shards, and all rows twice.
`far` has a shard that nothing answers for."""

TALK = [turn(timestamp=START + 1000 * n, request_id=f"request-{n}", bot_name="Travel") for n in range(3)]
RIGHT = fold(TALK, RULES)
KEY = TALK[0].key


@pytest.fixture(scope="module")
def clustered_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine whose configuration names clusters."""
    folder = tmp_path_factory.mktemp("clustered")
    clusters = folder / "clusters.xml"
    clusters.write_text(CONFIGURATION)
    port = free_port()
    command = [*services.clickhouse_command(folder, port), "--clusters", str(clusters)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            services.await_answer(f"http://127.0.0.1:{port}", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(services.STOPPED_WITHIN)


@pytest.fixture
def clustered(clustered_url: str) -> Settings:
    """Settings of the cluster `one`, with a database that has the tables."""
    settings = Settings(
        clickhouse=clustered_url, clickhouse_database=f"test_{uuid.uuid4().hex}", clickhouse_cluster="one"
    )
    services.ask(clustered_url, f"CREATE DATABASE {settings.clickhouse_database}")

    async def define(clickhouse: ClickHouse) -> None:
        applied = [migration.statement for migration in migrations()]
        for statement in [RECORD, *applied, *projection_statements(PROJECTIONS, 1024)]:
            for rendered in render(statement, "one"):
                await clickhouse.command(alone(rendered))

    using(settings, define)
    return settings


def alone(rendered: str) -> str:
    """The same for a server that has neither Keeper nor a queue of definitions."""
    return re.sub(r" ON CLUSTER '\w+'", "", rendered).replace("ENGINE = Replicated", "ENGINE = ")


def using(settings: Settings, use: Callable[[ClickHouse], Awaitable[None]]) -> None:
    async def go() -> None:
        async with connection(settings) as clickhouse:
            await use(clickhouse)

    asyncio.run(go())


async def written(clickhouse: ClickHouse) -> None:
    await write(clickhouse, [RIGHT], [ArchivedTurn(*(*msgspec.structs.astuple(one), b"{}")) for one in TALK])


async def look_at(clickhouse: ClickHouse, cluster: str) -> None:
    """Let the tables that see all shards see those of another cluster."""
    for table, migration in zip(("turns", "conversations"), migrations(), strict=False):
        await clickhouse.command(f"DROP TABLE {table}")
        await clickhouse.command(alone(render(migration.statement, cluster)[1]))


def test_what_is_written_lies_in_the_local_tables_and_is_read_back(clustered: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await written(clickhouse)
        assert await clickhouse.rows("SELECT count() FROM turns_local") == [(len(TALK),)]
        assert await clickhouse.rows("SELECT count() FROM conversations_local") == [(1,)]
        assert await clickhouse.rows("SELECT bot_name, bot_id FROM bots") == [("Travel", KEY[0])]
        assert await read_back(clickhouse, [KEY]) == {KEY: TALK}
        assert await unavailable_reason(clickhouse) == ""

    using(clustered, use)


def test_a_later_row_replaces_an_earlier_one(clustered: Settings) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        await written(clickhouse)
        await clickhouse.insert("conversations", [msgspec.structs.replace(RIGHT, turns=9, version=9)])
        assert await clickhouse.rows("SELECT turns FROM conversations FINAL") == [(9,)]

    using(clustered, use)


def test_a_write_has_failed_where_a_shard_is_away(clustered: Settings) -> None:
    """By default it would be queued on the server that was asked, and the offsets committed."""

    async def use(clickhouse: ClickHouse) -> None:
        await look_at(clickhouse, "far")
        with pytest.raises(TransientError, match="Connection refused"):
            await written(clickhouse)

    using(clustered, use)


def test_columns_come_and_go_while_the_tables_are_read(clustered: Settings) -> None:
    grown = (
        "ALTER TABLE turns ADD COLUMN mood String DEFAULT 'calm' CODEC(ZSTD(1)) COMMENT 'theirs', "
        "ADD COLUMN place UInt64 AFTER payload, "
        "MODIFY ORDER BY (bot_id, session_id, originating_request_id, timestamp, request_id, response_reason, place)"
    )

    async def alter(clickhouse: ClickHouse, statement: str) -> None:
        for rendered in render(statement, "one"):
            await clickhouse.command(alone(rendered))
            assert await clickhouse.rows("SELECT count() FROM (SELECT * FROM turns FINAL)") == [(len(TALK),)]

    async def use(clickhouse: ClickHouse) -> None:
        await written(clickhouse)
        await alter(clickhouse, grown)
        assert await clickhouse.rows("SELECT DISTINCT mood, place FROM turns") == [("calm", 0)]
        key = "SELECT sorting_key FROM system.tables WHERE database = currentDatabase() AND name = 'turns_local'"
        assert (await clickhouse.rows(key))[0][0].endswith("response_reason, place")
        await alter(clickhouse, "ALTER TABLE turns MODIFY COLUMN mood LowCardinality(String) DEFAULT 'wild' COMMENT ''")
        await clickhouse.command("INSERT INTO turns (bot_id, place) VALUES ('X', 5)")
        assert await clickhouse.rows("SELECT mood, place FROM turns WHERE bot_id = 'X'") == [("wild", 5)]
        await clickhouse.command(alone(render("DELETE FROM turns\nWHERE bot_id = 'X'", "one")[0]))
        await alter(clickhouse, "ALTER TABLE turns DROP COLUMN mood")
        modes = "deduplicate_merge_projection_mode = 'rebuild', lightweight_mutation_projection_mode = 'rebuild'"
        await alter(clickhouse, f"ALTER TABLE turns MODIFY SETTING {modes}")
        await alter(clickhouse, "ALTER TABLE turns ADD PROJECTION places (SELECT bot_id, place ORDER BY place)")

    using(clustered, use)


def test_sessions_are_listed(clustered: Settings) -> None:
    table = Table(each_by_itself(clustered))
    sessions = [f"session-{n}" for n in range(7)]
    table.insert(*[msgspec.structs.replace(RIGHT, session_id=session) for session in sessions])
    table.insert(*[msgspec.structs.replace(RIGHT, session_id=session, version=9) for session in sessions[:3]])
    listed = table.listing({"maxResults": 2}, KEY[0])
    assert sorted(session for session, _ in identities(listed)) == sessions


def test_a_row_comes_in_again_after_it_was_deleted(clustered: Settings) -> None:
    """As in a repair. A replicated table leaves out a block that it has seen before; other tables do when told to."""

    async def use(clickhouse: ClickHouse) -> None:
        window = "MODIFY SETTING non_replicated_deduplication_window = 100"
        await clickhouse.command(f"ALTER TABLE conversations_local {window}")
        for _ in range(2):
            await clickhouse.insert("conversations", [RIGHT])
            assert await clickhouse.rows("SELECT count() FROM conversations") == [(1,)]
            (deletion,) = render(DELETE, "one")
            places = [place.deletion_key for place in await rows_newer_than(clickhouse, {KEY: 0})]
            await clickhouse.command(alone(deletion), {"places": places})
            assert await clickhouse.rows("SELECT count() FROM conversations") == [(0,)]

    using(clustered, use)


@pytest.mark.parametrize("cluster", ["one", "two"])
def test_an_audit_may_ask_both_tables_at_once(clustered: Settings, cluster: str) -> None:
    """Between several shards ClickHouse refuses such a subquery, unless it is told that they are sharded alike."""

    async def use(clickhouse: ClickHouse) -> None:
        await written(clickhouse)
        await look_at(clickhouse, cluster)
        scope = Scope(since=START, until=START + 1)
        (where,) = [where async for where in parts(clickhouse, scope, 1_000)]
        said = await read_archive_and_rows(clickhouse, where)
        assert set(said.events[KEY]) == set(TALK)  # `two` has all rows twice
        assert set(said.rows[KEY]) == {RIGHT}
        assert await rows_newer_than(clickhouse, {KEY: RIGHT.version}) == []

    using(clustered, use)


def test_a_deletion_concerns_the_local_tables_of_all_shards(clustered: Settings) -> None:
    """The engine refuses it only where the cluster comes in: the rest of the statement is in order."""

    async def use(clickhouse: ClickHouse) -> None:
        await written(clickhouse)
        places = await rows_newer_than(clickhouse, {KEY: 0})
        with pytest.raises(StatementError, match="Replicated DDL queries are disabled"):
            await delete_rows(clickhouse, places)
        clickhouse.cluster = ""
        with pytest.raises(StatementError, match="DELETE query is not supported"):
            await delete_rows(clickhouse, places)

    using(clustered, use)


def test_a_cluster_gets_its_settings_and_one_server_none(clustered: Settings) -> None:
    changed: dict[str, dict[str, str]] = {}

    async def use(clickhouse: ClickHouse) -> None:
        rows = await clickhouse.rows("SELECT name, value FROM system.settings WHERE changed")
        changed[clickhouse.cluster] = dict(rows)

    single = msgspec.structs.replace(clustered, clickhouse_cluster="")
    using(clustered, use)
    using(single, use)
    assert cluster_options(single) == {}
    wanted = {name: str(value) for name, value in cluster_options(clustered).items()}
    assert wanted.items() <= changed["one"].items()
    assert not wanted.keys() & changed[""].keys()


@pytest.mark.parametrize("timeout", [0.5, 30.0])
def test_the_server_gives_up_before_the_client(timeout: float) -> None:
    options = cluster_options(Settings(clickhouse_cluster="one", clickhouse_timeout=timeout))
    assert 1000 <= int(options["insert_quorum_timeout"]) <= max(1000, 1000 * timeout)
    assert 1 <= int(options["distributed_ddl_task_timeout"]) <= max(1, timeout)


def test_a_cluster_that_is_not_configured_is_named(clustered_url: str) -> None:
    with pytest.raises(StatementError, match="'nowhere' not found"):
        asyncio.run(migrate(Settings(clickhouse=clustered_url, clickhouse_cluster="nowhere")))


def test_a_cluster_without_a_queue_of_definitions_is_refused_and_not_waited_for(clustered_url: str) -> None:
    with pytest.raises(StatementError, match="Replicated DDL queries are disabled"):
        asyncio.run(migrate(Settings(clickhouse=clustered_url, clickhouse_cluster="one")))


def test_tables_of_one_server_are_not_taken_for_a_cluster(clickhouse_settings: Settings) -> None:
    asyncio.run(migrate(clickhouse_settings))
    with pytest.raises(UsageError, match="tables of one server: empty TURNFOLD_CLICKHOUSE_CLUSTER"):
        asyncio.run(migrate(msgspec.structs.replace(clickhouse_settings, clickhouse_cluster="one"), dry_run=True))


def test_tables_of_a_cluster_are_not_taken_for_one_server(clustered: Settings) -> None:
    with pytest.raises(UsageError, match="tables of a cluster: name that in TURNFOLD_CLICKHOUSE_CLUSTER"):
        asyncio.run(migrate(msgspec.structs.replace(clustered, clickhouse_cluster="")))


@pytest.mark.parametrize(("cluster", "shards"), [("one", 1), ("two", 2)])
def test_views_read_each_shard_with_the_conditions_of_the_query(clustered: Settings, cluster: str, shards: int) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        for view in VIEWS:
            for rendered in render(view_statement(view, clustered, "default"), cluster):
                await clickhouse.command(alone(rendered))
        assert await replace_views(clickhouse, clustered, dry_run=True) == []
        for number in range(3):
            await clickhouse.insert("conversations", [msgspec.structs.replace(RIGHT, start=number * 40 * DAY_MS)])
        items = (1, len(RIGHT.visit_intents), len(RIGHT.stage_names), len(RIGHT.utterance_texts))
        for name, rows in zip((view.name for view in VIEWS), items, strict=True):
            sql = f"FROM {name} WHERE bot_id = '{KEY[0]}' AND start_time > '1970-02-01' AND start_time < '1970-02-15'"
            assert await clickhouse.rows(f"SELECT count() {sql}") == [(rows * shards,)]
            plan = "".join(line for (line,) in await clickhouse.rows(f"EXPLAIN indexes = 1 SELECT count() {sql}"))
            assert plan.count("Parts: 1/3") == shards, plan

    using(clustered, use)
