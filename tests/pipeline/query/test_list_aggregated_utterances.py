"""The texts of a window and their counts are what a slow computation finds in the same rows."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import SqlFragment
from pipeline.query.analytics.sort_keys import SortCursor
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.query.list_aggregated_utterances import LENGTHS, AggregatedUtterances, TextQuery, select, window_of
from schemas.lex.analytics.list_aggregated_utterances import (
    AggregatedUtterancesSortAttribute,
    ListAggregatedUtterancesRequest,
    ListAggregatedUtterancesResponse,
    RelativeAggregationDuration,
    TimeDimension,
)
from tests.clickhouse_runner import all_on_one
from tests.effort import OF_ENGINE, examples
from tests.pipeline.query.asking import all_pages
from tests.pipeline.query.metrics import slow
from tests.pipeline.query.rows import BOT, NOW, conversation
from tests.pipeline.query.table import TOKENS, Table

ROWS = slow.rows(200, seed=9)
OURS = [row for row in ROWS if row.bot_id == BOT]
HOURS = {"Hours": 1, "Days": 24, "Weeks": 168}
WEEK = {"relativeAggregationDuration": {"timeDimension": "Weeks", "timeValue": 1}}
WINDOWS = [("Hours", 1), ("Hours", 12), ("Hours", 24), ("Days", 3), ("Weeks", 1), ("Weeks", 2)]


async def ask(context: QueryContext, request: ListAggregatedUtterancesRequest) -> ListAggregatedUtterancesResponse:
    return await AggregatedUtterances(context).page(BOT, request)


def texts(table: Table, **asked: Any) -> list[dict[str, Any]]:
    default = {"localeId": "en_US", "aggregationDuration": WEEK}
    return all_pages(table, ask, ListAggregatedUtterancesRequest, "aggregatedUtterancesSummaries", default | asked)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    unit, count = draw(st.sampled_from(WINDOWS))
    duration = {"relativeAggregationDuration": {"timeDimension": unit, "timeValue": count}}
    part = draw(st.sampled_from([{}, {"botAliasId": "TSTALIASID"}, {"botVersion": "1"}, {"botVersion": "DRAFT"}]))
    attribute, order = st.sampled_from(["HitCount", "MissedCount"]), st.sampled_from(["Ascending", "Descending"])
    word = st.sampled_from(["yes", "o", "room", "Book a room", "aaa", "x"])
    one = st.fixed_dictionaries({
        "name": st.just("Utterance"), "operator": st.sampled_from(["EQ", "CO"]), "values": word.map(lambda each: [each])
    })  # fmt: skip
    return {
        "localeId": draw(st.sampled_from(["en_US", "de_DE", "xx"])),
        "aggregationDuration": duration,
        "sortBy": draw(st.none() | st.fixed_dictionaries({"attribute": attribute, "order": order})),
        "filters": draw(st.none() | one.map(lambda each: [each])),
    } | part


def slowly(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    span = request["aggregationDuration"]["relativeAggregationDuration"]
    after = NOW - HOURS[span["timeDimension"]] * span["timeValue"] * 3_600_000
    wanted = {"LocaleId": "localeId", "BotAliasId": "botAliasId", "BotVersion": "botVersion"}
    found: dict[str, list[slow.Item]] = {}
    for row in OURS:
        for item in slow.ITEMS["ListUtteranceMetrics"](row, NOW):
            of_row = all(item[name] == request.get(member, item[name]) for name, member in wanted.items())
            filters = [each | {"name": "UtteranceText"} for each in request["filters"] or []]
            if of_row and slow._fits(item, {"filters": filters}, after, NOW):
                found.setdefault(item["UtteranceText"], []).append(item)
    rows = [
        {
            "utterance": text,
            "hitCount": sum(item["state"] == "Detected" for item in items),
            "missedCount": sum(item["state"] == "Missed" for item in items),
            "utteranceFirstRecordedInAggregationDuration": min(i["UtteranceTimestamp"] for i in items) / 1000,
            "utteranceLastRecordedInAggregationDuration": max(i["UtteranceTimestamp"] for i in items) / 1000,
            "containsDataFromDeletedResources": False,
        }
        for text, items in sorted(found.items())
    ]
    sort = request["sortBy"] or {"attribute": "HitCount", "order": "Descending"}
    member = {"HitCount": "hitCount", "MissedCount": "missedCount"}[sort["attribute"]]
    return sorted(rows, key=lambda row: row[member], reverse=sort["order"] == "Descending")


def test_any_request_counts_what_a_slow_computation_counts(with_tables: Settings) -> None:
    with all_on_one(with_tables) as use:
        table = Table(use)
        table.insert(*(msgspec.structs.replace(row, version=1, locale_id="xx") for row in ROWS[::3]))
        table.insert(*ROWS)

        @settings(max_examples=examples(150, OF_ENGINE), deadline=None)
        @given(requests(), st.sampled_from([1, 3, 1000]))
        def holds(request: dict[str, Any], size: int) -> None:
            assert texts(table, **request, maxResults=size) == slowly(request)

        holds()


def test_all_pages_are_of_the_window_of_the_first(table: Table) -> None:
    """Utterances that are made while somebody turns pages come on none of them."""
    table.insert(*ROWS)

    async def pages(clickhouse: Any) -> list[ListAggregatedUtterancesResponse]:
        found: list[ListAggregatedUtterancesResponse] = []
        for now in (NOW, NOW + 60_000):
            context = QueryContext(clickhouse, TOKENS, lambda now=now: now, lambda _: 300.0, lambda _: True)  # type: ignore[misc]  # mypy infers no default
            token = {"nextToken": found[-1].next_token} if found else {}
            asked = {"localeId": "en_US", "aggregationDuration": WEEK, "maxResults": 2} | token
            found.append(await ask(context, msgspec.convert(asked, ListAggregatedUtterancesRequest)))
        return found

    first, second = table.use(pages)
    for page in (first, second):
        assert page.aggregation_window_end_time == page.aggregation_last_refreshed_date_time == NOW / 1000
        assert page.aggregation_window_start_time == NOW / 1000 - 604_800
        assert msgspec.to_builtins(page.aggregation_duration) == WEEK
    assert {s.utterance for s in first.aggregated_utterances_summaries}.isdisjoint(
        s.utterance for s in second.aggregated_utterances_summaries
    )


def test_an_alias_and_a_version_exclude_each_other(table: Table) -> None:
    with pytest.raises(InvalidQueryError, match="botVersion: give botAliasId or botVersion, not both"):
        texts(table, botAliasId="TSTALIASID", botVersion="1")


def test_a_filter_takes_two_operators(table: Table) -> None:
    with pytest.raises(InvalidQueryError, match="Utterance takes EQ, CO, not GT"):
        texts(table, filters=[{"name": "Utterance", "operator": "GT", "values": ["a"]}])


def test_rows_from_before_utterances_are_refused(table: Table) -> None:
    table.insert(conversation(fold=0))
    with pytest.raises(PreconditionError, match="turnfold rebuild --into new --swap"):
        texts(table)
    hour = {"relativeAggregationDuration": {"timeDimension": "Hours", "timeValue": 1}}
    table.insert(conversation(start=NOW - 9_000_000, end=NOW - 8_000_000, fold=0, session_id="older"))
    with pytest.raises(PreconditionError):
        texts(table, aggregationDuration=hour)


HOURS = {TimeDimension.HOURS: 1, TimeDimension.DAYS: 24, TimeDimension.WEEKS: 168}


@pytest.mark.parametrize("unit", TimeDimension)
def test_a_length_is_one_of_a_few(unit: TimeDimension) -> None:
    for count in range(1, 25):
        duration = RelativeAggregationDuration(unit, count)
        if count in LENGTHS[unit]:
            assert window_of(duration, 10**12) == TimeRange(10**12 - count * HOURS[unit] * 3_600_000, 10**12)
        else:
            with pytest.raises(InvalidQueryError, match=rf"timeValue: {unit} takes [\d, ]+, not {count}$"):
                window_of(duration, 10**12)


EVIL = "x') OR 1=1 --"
HITS, MISSES = AggregatedUtterancesSortAttribute.HIT_COUNT, AggregatedUtterancesSortAttribute.MISSED_COUNT


def test_values_are_bound_and_never_part_of_the_statement() -> None:
    conditions = [SqlFragment("locale_id = {locale_id:String}", {"locale_id": EVIL})]
    statement = select(
        TextQuery(EVIL, TimeRange(1, 9), conditions, HITS, descending=True), SortCursor(0, (-5, EVIL)), 7
    )
    assert EVIL not in statement.sql
    assert statement.parameters == {
        "bot_id": EVIL, "after": 1, "before": 9, "limit": 7, "locale_id": EVIL, "last_0": -5, "last_1": EVIL,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sort", "descending", "order"),
    [
        (HITS, True, "-toInt64(hits), utterance_text"),
        (HITS, False, "toInt64(hits), utterance_text"),
        (MISSES, True, "-toInt64(misses), utterance_text"),
        (MISSES, False, "toInt64(misses), utterance_text"),
    ],
)
def test_texts_of_one_count_ascend(sort: AggregatedUtterancesSortAttribute, descending: bool, order: str) -> None:  # noqa: FBT001 -- a parameter
    sql = select(TextQuery("B", TimeRange(1, 9), [], sort, descending=descending), None, 7).sql
    assert f"ORDER BY {order}\n" in sql
