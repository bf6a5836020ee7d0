"""Rows, archived events and bots of a session are found in either table, in any version, and nothing of others."""

import msgspec

from pipeline.fold.fold import fold
from pipeline.store.connection.client import ClickHouse
from pipeline.store.erased_data import (
    SESSIONS_PER_QUERY,
    RowVersion,
    bounded,
    find_bots,
    read_archived,
    read_row_versions,
)
from tests.events import RULES, turn
from tests.pipeline.audit.tables import Tables

EVENT = turn()
ROW = fold([EVENT], RULES)
SESSION = EVENT.key[:2]


def test_row_versions_and_events_are_those_of_the_sessions(tables: Tables) -> None:
    deleted = msgspec.structs.replace(ROW, start=ROW.start + 1, version=7, is_deleted=1)
    other = turn(session_id="other")
    tables.put(ROW, deleted, fold([other], RULES), events=[EVENT, other])

    async def use(clickhouse: ClickHouse) -> None:
        rows = await read_row_versions(clickhouse, [SESSION])
        assert {key: sorted(versions) for key, versions in rows.items()} == {
            EVENT.key: [RowVersion(ROW.start, ROW.version, 0), RowVersion(ROW.start + 1, 7, 1)]
        }
        assert await read_archived(clickhouse, [SESSION]) == {EVENT.key: [EVENT]}

    tables.use(use)


def test_bots_of_a_session_are_found_in_either_table(tables: Tables) -> None:
    tables.put(msgspec.structs.replace(ROW, bot_id="BOTBBBBBB2"), events=[EVENT, turn(session_id="x", bot_id="B3")])
    assert tables.use(lambda clickhouse: find_bots(clickhouse, SESSION[1])) == {SESSION[0], "BOTBBBBBB2"}


def test_sessions_are_divided_into_queries() -> None:
    sessions = [("bot", f"{number:04}") for number in range(SESSIONS_PER_QUERY + 1)]
    assert list(bounded(sessions)) == [sessions[:-1], sessions[-1:]]
