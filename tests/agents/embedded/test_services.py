"""The clients of Kafka and ClickHouse are imported when they are first used, and then do what their modules do."""

import asyncio
import subprocess
import sys

import msgspec
import pytest

from agents.embedded import services
from pipeline.config.settings import Settings
from pipeline.fold.fold import fold
from pipeline.runtime.errors import TransientError
from pipeline.store.connection.client import connection
from pipeline.store.health import unavailable_reason
from tests.events import RULES, turn
from tests.paths import ROOT

IMPORTED = """
import sys
from agents.embedded import services
clients = {"clickhouse_connect", "kafka"}
before = clients & set(sys.modules)
services.import_clickhouse()
print(sorted(before), sorted(clients & set(sys.modules)))
"""


def test_no_client_is_imported_before_it_is_needed() -> None:
    ran = subprocess.run([sys.executable, "-c", IMPORTED], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[] ['clickhouse_connect']\n"


def test_topics_are_created_found_and_counted(kafka_settings: Settings) -> None:
    services.create_topics(kafka_settings)
    services.find_topics(kafka_settings)
    names = {lag.topic for lag in services.read_lag(kafka_settings)}
    assert names == {topic.name for topic in kafka_settings.topics}


def test_a_kafka_that_is_away_is_an_error_within_its_patience() -> None:
    with pytest.raises(TransientError):
        services.read_lag(Settings(kafka=("127.0.0.1:1",)), 0.5)


def test_tables_are_created_unless_it_is_a_dry_run(clickhouse_settings: Settings) -> None:
    async def missing() -> str:
        async with connection(clickhouse_settings) as clickhouse:
            return await unavailable_reason(clickhouse)

    asyncio.run(services.migrate(clickhouse_settings, dry_run=True))
    assert asyncio.run(missing()).startswith("tables are missing")
    asyncio.run(services.migrate(clickhouse_settings))
    assert asyncio.run(missing()) == ""


def test_rows_of_an_earlier_version_are_told_with_the_command(with_tables: Settings) -> None:
    async def write_old() -> None:
        async with connection(with_tables) as clickhouse:
            await clickhouse.insert("conversations", [msgspec.structs.replace(fold([turn()], RULES), fold=0)])

    assert asyncio.run(services.outdated_rows(with_tables)) == ""
    asyncio.run(write_old())
    assert "`turnfold rebuild --into new --swap`" in asyncio.run(services.outdated_rows(with_tables))
