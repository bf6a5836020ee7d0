import re
from collections.abc import Callable, Mapping

import msgspec
import pytest

from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.time_range import parse_time_range
from pipeline.query.list_sessions.handler import read_query
from pipeline.query.list_sessions.sql import SETTINGS, Cursor, SessionQuery, select, select_from_candidates
from pipeline.store.connection.client import ClickHouse
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest, SessionSortName
from schemas.lex.analytics.operation import SortOrder
from tests.pipeline.query.rows import BOT, NOW, conversation, conversations
from tests.pipeline.query.table import Table

DAY = 86_400
KEY = {"bot_id", "start", "session_id", "originating_request_id"}
Build = Callable[[SessionQuery, Cursor | None], SqlFragment]
LAST = Cursor(NOW, 60, NOW - 1_000, "session-1", "request-1")


def query(days: int = 1, **asked: object) -> SessionQuery:
    end = NOW // 1000
    shape = {"startDateTime": end - days * DAY, "endDateTime": end, **asked}
    window = parse_time_range(shape["startDateTime"], shape["endDateTime"])
    return read_query(BOT, window, msgspec.convert(shape, ListSessionAnalyticsDataRequest))


def over_all(asked: SessionQuery, last: Cursor | None) -> SqlFragment:
    return select(asked, last, NOW, 11)


def over_few(asked: SessionQuery, last: Cursor | None) -> SqlFragment:
    return select_from_candidates(asked, last, NOW, 11, 22)


BOTH = pytest.mark.parametrize("build", [over_all, over_few])


def explain(
    table: Table, statement: SqlFragment, *, options: str = "indexes=1", settings: Mapping[str, object] = SETTINGS
) -> str:
    async def ask(clickhouse: ClickHouse) -> str:
        rows = await clickhouse.rows(f"EXPLAIN {options} {statement.sql}", statement.parameters, settings)
        return "\n".join(line for (line,) in rows)

    return table.use(ask)


def test_a_window_reads_only_its_partition_and_its_stretch_of_the_index(table: Table) -> None:
    """Two months of rows: a day's window must leave out the other months and, of its own, most granules."""
    table.insert(*conversations(40_000, seed=1))
    plan = explain(table, over_all(query(days=1), None))
    (whole, partition, index, *_ends) = re.findall(r"Granules: (\d+)/(\d+)", plan)
    assert int(partition[1]) <= int(whole[0]) < int(whole[1])
    assert int(index[0]) < int(index[1])
    keys = plan[plan.index("PrimaryKey") :]
    assert "bot_id" in keys
    assert re.search(r"start in \(-Inf, .*start in \(.*\+Inf\)", keys)


def test_the_next_page_begins_in_the_index_where_the_last_ended(table: Table) -> None:
    table.insert(*conversations(40_000, seed=2))
    asked = query(days=60)
    last = Cursor(NOW, 0, NOW - 50 * DAY * 1000, "session-1", "request-1")

    def granules(plan: str) -> int:
        return int(re.findall(r"Granules: (\d+)/", plan)[-1])

    assert granules(explain(table, over_all(asked, last))) < granules(explain(table, over_all(asked, None)))


def test_a_session_is_looked_up_in_its_index_and_a_window_in_none(table: Table) -> None:
    table.insert(*conversations(40_000, seed=4))
    of_session = query(days=60, filters=[{"name": "SessionId", "operator": "EQ", "values": ["session-3"]}])
    assert re.findall("Name: (.*)", explain(table, over_all(of_session, None))) == ["sessions"]
    assert not re.findall("Name: (.*)", explain(table, over_all(query(days=60), None)))


@BOTH
@pytest.mark.parametrize("sort", list(SessionSortName))
@pytest.mark.parametrize("last", [None, LAST])
def test_only_conditions_on_the_key_are_applied_before_final(
    table: Table, sort: SessionSortName, last: Cursor | None, build: Build
) -> None:
    """Any other would hide a row's last version and bring back one long replaced."""
    for _ in range(2):  # parts that overlap: there is something to merge
        saying = [conversation(number, utterance_texts=("no",)) for number in range(5)]
        table.insert(*conversations(1_000, seed=3), *saying)
    filters = [
        {"name": name, "operator": "EQ", "values": [value]}
        for name, value in {
            "LocaleId": "en_US",
            "Duration": "60",
            "ConversationEndState": "Success",
            "IntentPath": "/BookHotel",
            "SessionId": "session-3",
            "UtteranceText": "no",
        }.items()
    ]
    asked = query(filters=filters, sortBy={"name": sort, "order": SortOrder.DESCENDING})
    plan = explain(table, build(asked, last), options="actions=1")
    assert "FINAL: 1" in plan
    (before,) = re.findall(r"Prewhere filter column: (.*)", plan)
    columns = set(re.findall(r"[a-z_]+", re.sub(r"'[^']*'", "", before)))
    named = columns & {"end", "duration_seconds", "turns", "locale_id", "end_state", "intent_path", "utterance_texts"}
    assert not named
    assert columns >= {"bot_id", "start", "session_id"}


@BOTH
@pytest.mark.parametrize("sort", list(SessionSortName))
@pytest.mark.parametrize("order", list(SortOrder))
def test_every_parameter_of_a_statement_is_bound_and_none_is_left_over(
    sort: SessionSortName, order: SortOrder, build: Build
) -> None:
    asked = query(
        sortBy={"name": sort, "order": order},
        filters=[{"name": "Duration", "operator": "GT", "values": ["1"]}],
    )
    for last in (None, LAST):
        statement = build(asked, last)
        assert set(re.findall(r"\{(\w+):", statement.sql)) == set(statement.parameters)
