"""Each statement of ours, and what becomes of it on a cluster."""

import asyncio

import pytest

from pipeline.config.settings import Settings
from pipeline.store import erasures
from pipeline.store.client import connection
from pipeline.store.conversations import DELETE
from pipeline.store.schema.cluster_ddl import FORMS, render
from pipeline.store.schema.migrate import CREATE, RECORD, migrations

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
ORDER BY (bot_id, start, session_id, originating_request_id)""",
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
    "none": "ALTER TABLE turns REMOVE TTL",
    "what takes them off the disk": erasures.APPLY.format(table="turns"),
}


def columns(statement: str) -> list[str]:
    return [line for line in statement.splitlines() if line.startswith("    ")]


def test_every_migration_is_looked_at_here() -> None:
    assert STATEMENTS.keys() == RENDERED.keys()


@pytest.mark.parametrize("name", RENDERED)
def test_on_a_cluster_each_statement_becomes_this(name: str) -> None:
    rendered = render(STATEMENTS[name], "blue")
    lines = ["\n".join(line for line in one.splitlines() if line not in columns(one)) for one in rendered]
    assert lines == RENDERED[name]
    assert columns(rendered[0]) == columns(STATEMENTS[name]), "the columns are those of the file"


@pytest.mark.parametrize("name", RENDERED)
def test_on_one_server_nothing_is_changed(name: str) -> None:
    assert render(STATEMENTS[name], "") == (STATEMENTS[name],)


ADD = "ADD COLUMN IF NOT EXISTS mood LowCardinality(String) DEFAULT 'a, b' COMMENT 'it\\'s (one, or two' AFTER bot_id"
KEY = "MODIFY ORDER BY (bot_id, session_id, mood)"

ALTERED = {
    "a column comes to the shards first": (
        f"ALTER TABLE turns {ADD}",
        [f"ALTER TABLE turns_local ON CLUSTER 'blue' {ADD}", f"ALTER TABLE turns ON CLUSTER 'blue' {ADD}"],
    ),
    "and goes from them last": (
        "ALTER TABLE turns DROP COLUMN IF EXISTS mood",
        [
            "ALTER TABLE turns ON CLUSTER 'blue' DROP COLUMN IF EXISTS mood",
            "ALTER TABLE turns_local ON CLUSTER 'blue' DROP COLUMN IF EXISTS mood",
        ],
    ),
    "a column of the sorting key comes with it": (
        f"-- why\nALTER TABLE turns\n  {ADD}, -- of the user, we hope\n  {KEY}",
        [f"ALTER TABLE turns_local ON CLUSTER 'blue' {ADD}, {KEY}", f"ALTER TABLE turns ON CLUSTER 'blue' {ADD}"],
    ),
    "one comes, one goes, one changes": (
        f"ALTER TABLE turns {ADD}, DROP COLUMN channel, MODIFY COLUMN payload String CODEC(ZSTD(3))",
        [
            "ALTER TABLE turns ON CLUSTER 'blue' DROP COLUMN channel",
            (
                f"ALTER TABLE turns_local ON CLUSTER 'blue' {ADD}, DROP COLUMN channel, "
                "MODIFY COLUMN payload String CODEC(ZSTD(3))"
            ),
            f"ALTER TABLE turns ON CLUSTER 'blue' {ADD}, MODIFY COLUMN payload String CODEC(ZSTD(3))",
        ],
    ),
    **{
        f"only the shards have this: {changes}": (
            f"ALTER TABLE turns {changes}",
            [f"ALTER TABLE turns_local ON CLUSTER 'blue' {changes}"],
        )
        for changes in (
            "ADD PROJECTION IF NOT EXISTS newest (SELECT * ORDER BY timestamp, request_id)",
            "MATERIALIZE PROJECTION newest",
            "DROP PROJECTION IF EXISTS newest",
            "DROP INDEX IF EXISTS sessions, ADD INDEX sessions (session_id, bot_id) TYPE bloom_filter",
            "MATERIALIZE COLUMN mood",
            "RESET SETTING merge_selector_base, min_bytes_for_wide_part",
            "MODIFY ORDER BY (bot_id, start), MODIFY SETTING merge_selector_base = 10, min_bytes_for_wide_part = 1",
            "MODIFY TTL timestamp + INTERVAL 1 DAY DELETE, timestamp + INTERVAL 1 HOUR TO VOLUME 'cold'",
            "MATERIALIZE TTL SETTINGS mutations_sync = 0, alter_sync = 0",
        )
    },
}
SEEN = "SELECT bot_id, 'FROM turns' AS bot_name FROM turns{0} WHERE bot_id IN (SELECT bot_id FROM conversations{0})"

VIEWS = {
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


@pytest.mark.parametrize("statement", [*STATEMENTS.values(), *[one for one, _ in (*ALTERED.values(), *VIEWS.values())]])
def test_clickhouse_can_read_what_is_rendered(clickhouse_settings: Settings, statement: str) -> None:
    async def read(statement: str) -> str:
        async with connection(clickhouse_settings) as clickhouse:
            return str((await clickhouse.rows("SELECT formatQuery({text:String})", {"text": statement}))[0][0])

    for rendered in render(statement, "blue"):
        assert ("ON CLUSTER blue" in asyncio.run(read(rendered))) == ("ON CLUSTER" in rendered)


@pytest.mark.parametrize("what", [*ALTERED, *VIEWS])
def test_tables_and_views_can_be_changed(what: str) -> None:
    statement, rendered = {**ALTERED, **VIEWS}[what]
    assert list(render(statement, "blue")) == rendered


@pytest.mark.parametrize(
    "changes", ["RENAME COLUMN mood TO tone", f"{ADD}, RENAME COLUMN mood TO tone", f"{ADD}, tone String"]
)
def test_a_change_without_a_rule_is_refused_with_those_that_have_one(changes: str) -> None:
    with pytest.raises(ValueError, match=r"unsupported change on a cluster: '(RENAME|tone).*supported are DROP COLUMN"):
        render(f"ALTER TABLE turns {changes}", "blue")


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
