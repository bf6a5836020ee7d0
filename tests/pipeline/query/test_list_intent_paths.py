"""The summaries of a path are what a slow computation counts in the same conversations."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import PATH_FILTERS, conditions
from pipeline.query.analytics.time_range import TimeRange, parse_time_range
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.query.list_intent_paths import MAX_SUMMARIES, IntentPaths, select
from schemas.conversation import Conversation
from schemas.lex.analytics.filters import AnalyticsPathFilter, FilterOperator, PathFilterName
from schemas.lex.analytics.list_intent_paths import ListIntentPathsRequest, ListIntentPathsResponse
from tests.clickhouse_runner import all_on_one
from tests.effort import OF_ENGINE, examples
from tests.pipeline.query.asking import all_pages
from tests.pipeline.query.metrics import slow
from tests.pipeline.query.metrics.metrics_requests import HOUR, VALUES
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation
from tests.pipeline.query.table import WINDOW, Table

NAMES = ("A", "AB", "B", "Zürich", "a b", "\U0001f600", "%", "")
PATHS = ("/", "/A", "/A/B", "/AB", "/B/A", "/A/B/A", "/Zürich", "/%", "/nobody", "/A//B", "/a b/\U0001f600")


def rows(count: int, seed: int) -> list[Conversation]:
    """Conversations whose paths are often the same, or begin with one another."""
    rng = random.Random(seed)  # noqa: S311 -- test data
    made = []
    for row in slow.rows(count, seed):
        weights = (9, 5, 4, 2, 1, 1, 1, 1)
        path = "".join(f"/{name}" for name in rng.choices(NAMES, weights, k=rng.choice((0, 1, 1, 2, 2, 3, 4))))
        made.append(msgspec.structs.replace(row, intent_path=path))
    return made


ROWS = rows(300, seed=5)
OURS = [row for row in ROWS if row.bot_id == BOT]


async def ask(context: QueryContext, request: ListIntentPathsRequest) -> ListIntentPathsResponse:
    window = parse_time_range(request.start_date_time, request.end_date_time)
    return await IntentPaths(context).summaries(BOT, window, request)


def summaries(table: Table, path: str, **asked: Any) -> list[tuple[Any, ...]]:
    found = all_pages(table, ask, ListIntentPathsRequest, "nodeSummaries", WINDOW | asked | {"intentPath": path})
    members = ("intentPath", "nodeType", "intentCount", "intentLevel", "intentName")
    return [tuple(each[member] for member in members) for each in found]


def slowly(path: str, request: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    after, before = request["startDateTime"] * 1000, request["endDateTime"] * 1000
    items = [(row, item) for row in OURS for item in slow.ITEMS["ListSessionMetrics"](row, NOW)]
    counts: Counter[tuple[str, str]] = Counter()
    for row, item in items:
        if slow._fits(item, request, after, before):
            names = row.intent_path.split("/")[1:]
            for length in range(1, len(names) + 1):
                kind = "Exit" if length == len(names) else "Inner"
                counts["/" + "/".join(names[:length]), kind] += 1
    prefix = "" if path == "/" else path
    totals: Counter[str] = Counter()
    for (found, _), count in counts.items():
        totals[found] += count
    children = sorted((each for each in totals if each.rpartition("/")[0] == prefix), key=lambda p: (-totals[p], p))
    nodes = [(each, kind, counts[each, kind]) for each in (prefix, *children) for kind in ("Inner", "Exit")]
    return [(p, kind, n, p.count("/"), p.rpartition("/")[2]) for p, kind, n in nodes if p and n][:100]


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    since, hours = draw(st.sampled_from([150, 100, 24])), draw(st.sampled_from([180, 48, 1]))
    start = NOW // 1000 - since * HOUR
    values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=5)
    one = st.fixed_dictionaries({"name": st.sampled_from([*PATH_FILTERS]), "operator": st.just("EQ"), "values": values})
    found = draw(st.none() | st.lists(one, min_size=1, max_size=3))
    return {"startDateTime": start, "endDateTime": start + hours * HOUR, "filters": found}


def test_any_request_counts_what_a_slow_computation_counts(with_tables: Settings) -> None:
    with all_on_one(with_tables) as use:
        table = Table(use)
        table.insert(*(msgspec.structs.replace(row, version=1, intent_path="/A/B/replaced") for row in ROWS[::3]))
        table.insert(*ROWS)

        @settings(max_examples=examples(150, OF_ENGINE), deadline=None)
        @given(requests(), st.sampled_from(PATHS))
        def holds(request: dict[str, Any], path: str) -> None:
            assert summaries(table, path, **request) == slowly(path, request)

        holds()


def test_a_hundred_summaries_are_the_most_frequent_ones(table: Table) -> None:
    """Each of 120 paths ends, and the first ten go on too: of 131 summaries the first 100 are shown."""
    made = [(f"/Root/N{number:03}", 3 if number < 10 else 1) for number in range(120)]
    made += [(f"/Root/N{number:03}/Next", 1) for number in range(10)]
    table.insert(*(
        conversation(1000 * i + j, intent_path=path) for i, (path, count) in enumerate(made) for j in range(count)
    ))  # fmt: skip
    found = summaries(table, "/Root")
    assert len(found) == 100
    assert found[:3] == [
        ("/Root", "Inner", 150, 1, "Root"),
        ("/Root/N000", "Inner", 1, 2, "N000"),
        ("/Root/N000", "Exit", 3, 2, "N000"),
    ]
    assert found[-1][0] == "/Root/N088"


@pytest.mark.parametrize("bot", [OTHER_BOT, "BOTXXXXXX1"])
def test_a_path_that_nobody_took_has_no_summaries(table: Table, bot: str) -> None:
    table.insert(conversation(bot_id=bot, intent_path="/A/B"), conversation(1, intent_path=""))
    for path in ("/", "/A", "/A/B"):
        assert summaries(table, path) == []


def test_filters_take_one_operator(table: Table) -> None:
    with pytest.raises(InvalidQueryError, match="LocaleId takes EQ, not CO"):
        summaries(table, "/", filters=[{"name": "LocaleId", "operator": "CO", "values": ["en"]}])


def test_rows_from_before_visits_are_refused(table: Table) -> None:
    table.insert(conversation(fold=0))
    with pytest.raises(PreconditionError, match="turnfold rebuild --into new --swap"):
        summaries(table, "/")


EVIL = "x') OR 1=1 --"


def test_values_are_bound_and_never_part_of_the_statement() -> None:
    filters = [AnalyticsPathFilter(PathFilterName.CHANNEL, FilterOperator.EQ, (EVIL,))]
    statement = select(EVIL, TimeRange(1, 9), conditions(filters, PATH_FILTERS), f"/{EVIL}")
    assert EVIL not in statement.sql
    assert statement.parameters == {
        "bot_id": EVIL,
        "after": 1,
        "before": 9,
        "path": f"/{EVIL}",
        "limit": MAX_SUMMARIES + 1,
        "filter_0": [EVIL],
    }
    assert "intent_path != ''" in statement.sql
