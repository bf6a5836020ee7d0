"""The probe queries the tables, and reports a problem with its remedy."""

import asyncio

import pytest

from pipeline.config.settings import Settings
from pipeline.runtime.errors import StatementError, TransientError
from pipeline.runtime.sockets import free_port
from pipeline.store.connection.client import ClickHouse, connection
from pipeline.store.connection.limits import MIN_FREE_BYTES
from pipeline.store.health import MAX_ERROR_LENGTH, ROWS, full_disk_reason, probe_store, unavailable_reason
from pipeline.store.schema.migrate import migrate
from schemas.columns import columns

FIRST = ["bots.bot_name", "bots.bot_id", *(f"conversations.{name}" for name in ("bot_id", "start", "session_id"))]


def asked(settings: Settings, *statements: str) -> str:
    """Return the problem after the statements have run."""

    async def ask() -> str:
        clickhouse: ClickHouse
        async with connection(settings) as clickhouse:
            for statement in statements:
                await clickhouse.command(statement)
            return await unavailable_reason(clickhouse)

    return asyncio.run(ask())


def test_a_migrated_database_is_ready(clickhouse_settings: Settings) -> None:
    asyncio.run(migrate(clickhouse_settings))
    assert asked(clickhouse_settings) == ""


def test_missing_tables_are_named_with_the_command_that_creates_them(clickhouse_settings: Settings) -> None:
    assert asked(clickhouse_settings) == (
        "tables are missing: bots, conversations, forgotten, forgotten_events, runs, turns; run `turnfold migrate`"
    )
    asyncio.run(migrate(clickhouse_settings))
    missing = asked(clickhouse_settings, "DROP TABLE conversations")
    assert missing == "tables are missing: conversations; run `turnfold migrate`"


def test_columns_of_a_later_version_are_named_too(clickhouse_settings: Settings) -> None:
    """Every list would be rejected, so a process of this version must not get requests before the migration."""
    asyncio.run(migrate(clickhouse_settings, views=False))
    older = "ALTER TABLE conversations " + ", ".join(f"DROP COLUMN {name}" for name in ("fold", "stage_intents"))
    assert asked(clickhouse_settings, older) == (
        "columns are missing: conversations.stage_intents, conversations.fold; run `turnfold migrate`"
    )


def test_only_some_of_many_missing_columns_are_named() -> None:
    class Empty:
        async def rows(self, *_: object) -> list[tuple[str, list[str]]]:
            return [(table, []) for table in ROWS]

    count = sum(len(columns(row)) for row in ROWS.values())
    said = asyncio.run(unavailable_reason(Empty()))
    assert said == f"columns are missing: {', '.join(FIRST)} and {count - 5} more; run `turnfold migrate`"


@pytest.mark.parametrize("error", [TransientError("away\nStack trace: a b c"), StatementError("x" * 9_999)])
def test_the_reason_is_one_line_of_bounded_length(error: Exception) -> None:
    class Broken:
        async def rows(self, *_: object) -> list[tuple[object, ...]]:
            raise error

    said = asyncio.run(unavailable_reason(Broken()))
    assert said.startswith("ClickHouse cannot be queried: ")
    assert "\n" not in said
    assert len(said) < MAX_ERROR_LENGTH + 40


def test_an_unavailable_clickhouse_is_not_reported_as_missing_tables() -> None:
    with pytest.raises(TransientError):
        asked(Settings(clickhouse=f"http://127.0.0.1:{free_port()}"))


class Silent:
    """Do not answer."""

    async def rows(self, *_: object) -> list[tuple[object, ...]]:
        await asyncio.Event().wait()
        return []


def test_a_probe_of_a_silent_server_ends_in_time() -> None:
    said = asyncio.run(probe_store(Silent(), seconds=0.05))
    assert said == "ClickHouse cannot be queried: it gave no answer within 0.05 s"


def test_only_a_full_disk_is_reported() -> None:
    class Disks:
        def __init__(self, *free: int) -> None:
            self._free = free

        async def rows(self, _: str, __: object = None) -> list[tuple[int]]:
            return [(free,) for free in self._free]

    class Forbidden:
        async def rows(self, _: str, __: object = None) -> list[tuple[int]]:
            raise StatementError("Not enough privileges")

    assert asyncio.run(full_disk_reason(Disks(MIN_FREE_BYTES - 1))).startswith("the disk has 15 MB left")
    assert not any(asyncio.run(full_disk_reason(one)) for one in (Disks(MIN_FREE_BYTES), Disks(), Forbidden()))


def test_a_disk_with_room_is_no_problem(clickhouse_settings: Settings) -> None:
    asyncio.run(migrate(clickhouse_settings))

    async def ask() -> str:
        async with connection(clickhouse_settings) as clickhouse:
            return await full_disk_reason(clickhouse)

    assert asyncio.run(ask()) == ""
