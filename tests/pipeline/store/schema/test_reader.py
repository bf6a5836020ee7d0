"""The statements of the role are ClickHouse's, and a user who may not manage roles is told so.

That the role reads the views and nothing else is tested with deploy/clickhouse, in tests/deploy/test_reader.py.
"""

import asyncio

import pytest

from pipeline.config.settings import Settings
from pipeline.store.schema.reader import ReaderRole, grant_reader, readable, role_name, statements
from tests.pipeline.store.schema.formatting import formatted

CLUSTER = Settings(clickhouse_cluster="blue")


def test_the_role_has_the_name_of_the_database() -> None:
    assert role_name(Settings()) == "turnfold_reader"
    assert role_name(Settings(clickhouse_database="other")) == "other_reader"


def test_on_a_cluster_the_views_of_the_shards_are_read_too() -> None:
    assert readable(Settings()) == ["v_conversations", "v_intent_visits", "v_stage_visits", "v_utterances"]
    assert readable(CLUSTER) == [name + suffix for name in readable(Settings()) for suffix in ("", "_local")]


@pytest.mark.parametrize("database", ["turnfold", "it's `odd`"])
@pytest.mark.parametrize("cluster", ["", "blue"])
def test_clickhouse_can_read_the_statements(clickhouse_settings: Settings, database: str, cluster: str) -> None:
    settings = Settings(clickhouse_database=database, clickhouse_cluster=cluster)
    create, grant = (formatted(clickhouse_settings, each) for each in statements(settings, ["v_conversations"]))
    assert create.startswith("CREATE ROLE IF NOT EXISTS")
    assert "SELECT ON" in grant
    assert ("ON CLUSTER blue" in create) == ("ON CLUSTER blue" in grant) == bool(cluster)


def test_who_may_not_manage_roles_is_told(clickhouse_settings: Settings) -> None:
    for dry_run in (False, True):
        role = asyncio.run(grant_reader(clickhouse_settings, dry_run=dry_run))
        assert role == ReaderRole(refused=role.refused)
        assert "Not enough privileges" in role.refused
        assert "\n" not in role.refused
