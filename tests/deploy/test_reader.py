"""The role of deploy/clickhouse/reader.xml reads the views and nothing else; Grafana's user has little more."""

import asyncio
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection
from pipeline.store.schema.migrate import migrate
from pipeline.store.schema.reader import ReaderRole, grant_reader, role_name
from pipeline.store.schema.views import view_statement
from schemas.fold_rules import FOLD_VERSION
from schemas.views import VIEWS
from tests import services
from tests.deploy.confined_reader import OWNER, clickhouse_with_grants, grants
from tests.pipeline.query.rows import conversation

ACCESS_DENIED, UNKNOWN_TABLE, NO_TABLE_FOUND = 497, 60, 636

TABLES = ("bots", "conversations", "forgotten", "forgotten_events", "migrations", "runs", "turns", "bots_from_turns")
"""All that the database holds besides the views."""
REFUSED = (
    *(f"SELECT * FROM turnfold.{table}" for table in TABLES),  # noqa: S608 - names of ours
    "SELECT * FROM merge('turnfold', '^(turns|conversations)$')",
    "SELECT * FROM system.users",
    "SELECT * FROM system.grants",
    "INSERT INTO turnfold.conversations (bot_id) VALUES ('x')",
    "CREATE TABLE turnfold.x (a UInt8) ENGINE = Memory",
    "CREATE OR REPLACE VIEW turnfold.v_utterances AS SELECT 1 AS a",
    "CREATE TEMPORARY TABLE x (a UInt8)",
    "ALTER TABLE turnfold.conversations DELETE WHERE 1",
    "DROP VIEW turnfold.v_conversations",
    "DROP DATABASE turnfold",
    "CREATE ROLE x",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with one conversation, whose views are those of user `turnfold`."""
    folder = tmp_path_factory.mktemp("reader")

    async def fill(settings: Settings) -> None:
        await migrate(settings)
        async with connection(settings) as clickhouse:
            for view in VIEWS:
                await clickhouse.command(view_statement(view, settings, "turnfold"))
            said: dict[str, Any] = {
                "utterance_times": (1,),
                "utterance_request_ids": ("request-1",),
                "utterance_texts": ("yes",),
                "utterance_missed": (False,),
                "utterance_intents": ("",),
                "utterance_slots": ("",),
            }
            await clickhouse.insert("conversations", [conversation(**said, fold=FOLD_VERSION)])

    with clickhouse_with_grants(folder, [OWNER]) as url:
        asyncio.run(fill(Settings(clickhouse=url)))
    return folder


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    """A copy of that folder, since one engine at a time can use a folder."""
    return Path(shutil.copytree(folder, tmp_path / "copy", symlinks=True))


@pytest.fixture(scope="module")
def reader(folder: Path) -> Iterator[str]:
    """ClickHouse, where whoever asks has the role."""
    with clickhouse_with_grants(folder, ["GRANT turnfold_reader"]) as url:
        yield url


def test_the_role_reads_every_view(reader: str) -> None:
    found = {view.name: services.ask(reader, f"SELECT count() FROM turnfold.{view.name}").text for view in VIEWS}  # noqa: S608 - a name of ours
    assert found == {"v_conversations": "1\n", "v_intent_visits": "0\n", "v_stage_visits": "0\n", "v_utterances": "1\n"}


@pytest.mark.parametrize("statement", REFUSED)
def test_the_role_may_do_nothing_else(reader: str, statement: str) -> None:
    assert services.ask(reader, statement).code in {ACCESS_DENIED, UNKNOWN_TABLE, NO_TABLE_FOUND}


def test_the_role_sees_no_other_table(reader: str) -> None:
    sql = "SELECT name FROM system.tables WHERE database = 'turnfold' ORDER BY name"
    assert services.ask(reader, sql).text.split() == sorted(view.name for view in VIEWS)


def test_the_tables_are_all_that_there_are(with_tables: Settings) -> None:
    sql = "SELECT name FROM system.tables WHERE database = {name:String}"
    found = services.ask(with_tables.clickhouse, sql, param_name=with_tables.clickhouse_database).text.split()
    assert sorted(found) == sorted((*TABLES, *(view.name for view in VIEWS)))


def test_grafana_reads_views_and_sizes_but_no_content(copy: Path) -> None:
    with clickhouse_with_grants(copy, grants("grafana")) as url:
        assert services.ask(url, "SELECT count() FROM turnfold.v_utterances").text == "1\n"
        sizes = "SELECT table, sum(rows) FROM system.parts WHERE database = 'turnfold' AND active GROUP BY table"
        assert "conversations\t1\n" in services.ask(url, sizes).text
        for statement in REFUSED:
            assert services.ask(url, statement).code == ACCESS_DENIED


def test_migrate_finds_the_role_of_the_file_complete(copy: Path) -> None:
    with clickhouse_with_grants(copy, [OWNER]) as url:
        assert asyncio.run(grant_reader(Settings(clickhouse=url))) == ReaderRole()


def test_migrate_says_what_is_missing_and_that_roles_cannot_be_created(copy: Path) -> None:
    """The engine keeps no roles but those of the file."""
    with clickhouse_with_grants(copy, [OWNER]) as url:
        settings = Settings(clickhouse=url, clickhouse_database="another")
        names = ", ".join(view.name for view in VIEWS)
        would = asyncio.run(grant_reader(settings, dry_run=True))
        assert would == ReaderRole(f"role {role_name(settings)} (may read {names})")
        assert "there is no writeable access storage" in asyncio.run(grant_reader(settings)).refused
