"""Every example of SQL.md runs, and where the API has the same numbers, they agree; the page lists all columns."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipeline.runtime.clock import now_ms
from pipeline.store.connection.client import Row
from schemas.conversation import Conversation
from schemas.topics import DAY_MS
from schemas.views import CONVERSATION, VIEWS
from tests.clickhouse_runner import each_by_itself
from tests.databases import Databases
from tests.deploy.files import DEPLOY, unknown_variables
from tests.deploy.macros import expand_dbt, expand_grafana
from tests.pipeline.query.metrics import slow
from tests.pipeline.query.metrics.metrics_requests import answer
from tests.pipeline.query.rows import NOW, OTHER_BOT
from tests.pipeline.query.table import Table

PAGE = (DEPLOY / "SQL.md").read_text()
EXAMPLES = {
    " ".join(title.split()): query
    for title, query in re.findall(r"\n\n((?:[^\n`]+\n)*[^\n`]+)[:.]\n\n```sql\n(.*?)```", PAGE, re.DOTALL)
}
BOT = "TRAVELBOT1"
TEXTS = ("yes", "I want a refund", "no refund?", "Zürich")


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == PAGE.count("```sql") == 10


def test_the_page_lists_all_columns() -> None:
    rows = [f"| all | `{column.name}` | {column.type} | {column.comment} |" for column in CONVERSATION]
    for view in VIEWS:
        own = view.columns[len(CONVERSATION) :]
        rows += [f"| `{view.name}` | `{column.name}` | {column.type} | {column.comment} |" for column in own]
        assert view.columns[: len(CONVERSATION)] == CONVERSATION
    assert "\n".join(rows) in PAGE


def test_what_the_page_refers_to_exists() -> None:
    assert unknown_variables(PAGE) == set()
    for path in re.findall(r"\]\(([^)#]+)\)", PAGE):
        assert (DEPLOY / path).exists(), path


def sample() -> Iterator[Conversation]:
    """Conversations of the last days, most of one bot, none of which is idle for about as long as the idle TTL."""
    moved = now_ms() - 2 * DAY_MS - NOW
    for row in slow.rows(300, seed=1):
        yield msgspec.structs.replace(
            row,
            bot_id=OTHER_BOT if row.bot_id == OTHER_BOT else BOT,
            start=row.start + moved,
            end=row.end + moved,
            utterance_times=tuple(time + moved for time in row.utterance_times),
            utterance_texts=tuple(TEXTS[len(text) % len(TEXTS)] for text in row.utterance_texts),
        )


@pytest.fixture(scope="module")
def table(databases: Databases) -> Iterator[Table]:
    with databases.empty() as settings:
        table = Table(each_by_itself(settings))
        table.insert(*sample())
        yield table


def shown(table: Table, title: str) -> list[Row]:
    """What an example shows."""
    query = expand_dbt(expand_grafana(EXAMPLES[title])).replace("LIMIT 100\n", "")  # the API has no such limit
    return list(table.use(lambda clickhouse: clickhouse.rows(query)))


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example_shows_rows(table: Table, title: str) -> None:
    assert shown(table, title)


def answered(
    table: Table, operation: str, metrics: Sequence[str], group: str = "", **more: Any
) -> dict[Any, tuple[float, ...]]:
    """What the API answers for the last thirty days: group or bin -> the metrics, such as `Count Sum`."""
    named = [dict(zip(("name", "statistic"), metric.split(), strict=True)) for metric in metrics]
    now = now_ms() // 1000
    window = {"startDateTime": now - 30 * DAY_MS // 1000, "endDateTime": now + 3600}
    request = {**window, "metrics": named, **more, **({"groupBy": [{"name": group}]} if group else {})}
    return {
        _key(result): tuple(metric["value"] for metric in result["metricsResults"])
        for result in answer(table, operation, request, BOT, now_ms)
    }


def _key(result: Mapping[str, Any]) -> Any:
    (key,) = result.get("groupByKeys") or result.get("binKeys") or [{}]
    return key.get("value", "")


def equal(value: float) -> Any:
    return pytest.approx(value, rel=1e-9)


def test_end_states_are_those_of_the_api(table: Table) -> None:
    counts: Counter[str] = Counter()
    for _, ended, conversations in shown(table, "Conversations by end state, as a time series"):
        counts[ended] += conversations
    assert {state: (count,) for state, count in counts.items()} == answered(
        table, "ListSessionMetrics", ["Count Sum"], "ConversationEndState"
    )


def test_intents_are_those_of_the_api(table: Table) -> None:
    metrics = ["Count Sum", "Success Avg", "Failure Avg", "Switched Avg", "Dropped Avg"]
    expected = answered(table, "ListIntentMetrics", metrics, "IntentName")
    found = {intent: numbers for intent, *numbers in shown(table, "How each intent ended, as a table")}
    assert {intent: tuple(map(equal, numbers)) for intent, numbers in found.items()} == expected


def test_days_are_those_of_the_api(table: Table) -> None:
    metrics = ["Count Sum", "TurnsPerConversation Sum", "Duration Avg", "Success Avg", "Failure Avg", "Dropped Avg"]
    days = [{"name": "ConversationStartTime", "interval": "OneDay"}]
    expected = answered(table, "ListSessionMetrics", metrics, binBy=days)
    found = {
        datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp(): tuple(map(equal, numbers))
        for bot, day, *numbers in shown(table, "Numbers of the last thirty days, by bot and day")
        if bot == BOT
    }
    assert found == expected


def test_stages_are_those_of_the_api(table: Table) -> None:
    metrics = ["Count Sum", "Dropped Sum", "Retry Sum"]
    expected = answered(table, "ListIntentStageMetrics", metrics, "IntentStageName")
    found: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for _, stage, visits, dropped, *_, retries in shown(table, "Where people give up, and what they do instead"):
        found[stage] = [a + b for a, b in zip(found[stage], (visits, dropped, visits * retries), strict=True)]
    assert {stage: tuple(map(equal, numbers)) for stage, numbers in found.items()} == expected


def test_paths_are_those_of_the_api(table: Table) -> None:
    for path, *numbers in shown(table, "The ways that conversations take, the most common ones first"):
        only = [{"name": "IntentPath", "operator": "EQ", "values": [path]}]
        expected = answered(table, "ListSessionMetrics", ["Count Sum", "Success Avg"], filters=only)
        assert {"": tuple(map(equal, numbers))} == expected


def test_utterances_are_those_of_the_api(table: Table) -> None:
    metrics = ["Missed Sum", "Detected Sum", "UtteranceTimestamp Max"]
    only = [{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}]
    expected = answered(table, "ListUtteranceMetrics", metrics, "UtteranceText", filters=only)
    found = shown(table, "What the bot does not understand, as ListAggregatedUtterances counts it")
    assert {text: (missed, detected, last / 1000) for text, missed, detected, _, last in found} == {
        text: numbers for text, numbers in expected.items() if numbers[0]
    }


def test_a_search_finds_what_the_api_finds(table: Table) -> None:
    only = [{"name": "UtteranceText", "operator": "CO", "values": ["refund"]}]
    expected = answered(table, "ListUtteranceMetrics", ["Count Sum"], "UtteranceText", filters=only)
    found = Counter(row[2] for row in shown(table, "Conversations in which somebody said something"))
    assert {text: (count,) for text, count in found.items()} == expected
