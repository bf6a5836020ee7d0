"""Whether the tables can be used is asked, not guessed; what is in the way is said with what helps."""

import asyncio

import pytest

from pipeline.embedded.ports import free_port
from pipeline.errors import StatementError, TransientError
from pipeline.settings import Settings
from pipeline.store.client import ClickHouse, connection
from pipeline.store.migrate import migrate
from pipeline.store.ready import LONGEST, trouble


def asked(settings: Settings, *statements: str) -> str:
    """The trouble, once the statements have run."""

    async def ask() -> str:
        clickhouse: ClickHouse
        async with connection(settings) as clickhouse:
            for statement in statements:
                await clickhouse.command(statement)
            return await trouble(clickhouse)

    return asyncio.run(ask())


def test_a_migrated_database_is_ready(clickhouse_settings: Settings) -> None:
    asyncio.run(migrate(clickhouse_settings))
    assert asked(clickhouse_settings) == ""


def test_what_is_missing_is_named_with_what_makes_it(clickhouse_settings: Settings) -> None:
    assert asked(clickhouse_settings) == (
        "tables are missing: bots, conversations, forgotten, runs, turns; run `turnfold migrate`"
    )
    asyncio.run(migrate(clickhouse_settings))
    missing = asked(clickhouse_settings, "DROP TABLE conversations")
    assert missing == "tables are missing: conversations; run `turnfold migrate`"


@pytest.mark.parametrize("error", [TransientError("away\nStack trace: a b c"), StatementError("x" * 9_999)])
def test_the_reason_is_one_line_of_bounded_length(error: Exception) -> None:
    class Broken:
        async def rows(self, *_: object) -> list[tuple[object, ...]]:
            raise error

    said = asyncio.run(trouble(Broken()))
    assert said.startswith("ClickHouse cannot be asked: ")
    assert "\n" not in said
    assert len(said) < LONGEST + 40


def test_a_clickhouse_that_is_away_is_no_table_that_is_missing() -> None:
    with pytest.raises(TransientError):
        asked(Settings(clickhouse=f"http://127.0.0.1:{free_port()}"))
