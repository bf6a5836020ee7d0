"""An ALTER TABLE becomes the statements for the local and the Distributed tables, in a safe order."""

import pytest

from pipeline.config.settings import Settings
from pipeline.store.schema.alter import render_alter, split_changes
from pipeline.store.schema.cluster_ddl import render
from tests.pipeline.store.schema.formatting import formatted

ADD = "ADD COLUMN IF NOT EXISTS mood LowCardinality(String) DEFAULT 'a, b' COMMENT 'it\\'s (one, or two' AFTER bot_id"
ORDER = "MODIFY ORDER BY (bot_id, session_id, mood)"

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
        f"-- why\nALTER TABLE turns\n  {ADD}, -- of the user, we hope\n  {ORDER}",
        [
            f"ALTER TABLE turns_local ON CLUSTER 'blue' {ADD}, {ORDER}",
            f"ALTER TABLE turns ON CLUSTER 'blue' {ADD}",
        ],
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


@pytest.mark.parametrize("what", ALTERED)
def test_tables_can_be_changed(what: str) -> None:
    statement, rendered = ALTERED[what]
    assert list(render(statement, "blue")) == rendered


@pytest.mark.parametrize("statement", [statement for statement, _ in ALTERED.values()])
def test_clickhouse_can_read_what_is_rendered(clickhouse_settings: Settings, statement: str) -> None:
    for rendered in render(statement, "blue"):
        assert "ON CLUSTER blue" in formatted(clickhouse_settings, rendered)


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ("DROP COLUMN a", ["DROP COLUMN a"]),
        ("DROP COLUMN a,\n  DROP  COLUMN b", ["DROP COLUMN a", "DROP COLUMN b"]),
        ("MODIFY ORDER BY (a, b), DROP COLUMN c", ["MODIFY ORDER BY (a, b)", "DROP COLUMN c"]),
        ("COMMENT COLUMN a 'x,  y' -- a, b", ["COMMENT COLUMN a 'x,  y'"]),
        ("DROP COLUMN a /* x, y */, DROP COLUMN b", ["DROP COLUMN a", "DROP COLUMN b"]),
        ("MODIFY SETTING a = 1, b = 2, DROP COLUMN c", ["MODIFY SETTING a = 1, b = 2", "DROP COLUMN c"]),
    ],
)
def test_changes_are_split_at_the_commas_between_them(changes: str, parts: list[str]) -> None:
    assert split_changes(changes) == parts


def test_the_distributed_table_never_has_a_column_that_a_shard_lacks() -> None:
    added, dropped = "ADD COLUMN a String", "DROP COLUMN b"
    assert render_alter("turns", f"{added}, {dropped}", "ON CLUSTER 'c'") == (
        f"ALTER TABLE turns ON CLUSTER 'c' {dropped}",
        f"ALTER TABLE turns_local ON CLUSTER 'c' {added}, {dropped}",
        f"ALTER TABLE turns ON CLUSTER 'c' {added}",
    )


@pytest.mark.parametrize(
    "changes", ["RENAME COLUMN mood TO tone", f"{ADD}, RENAME COLUMN mood TO tone", f"{ADD}, tone String"]
)
def test_a_change_without_a_rule_is_refused_with_those_that_have_one(changes: str) -> None:
    with pytest.raises(ValueError, match=r"unsupported change on a cluster: '(RENAME|tone).*supported are DROP COLUMN"):
        render(f"ALTER TABLE turns {changes}", "blue")
