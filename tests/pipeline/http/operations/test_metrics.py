"""AWS's SDK asks for metrics, and scripts page through them; what is wrong is refused by name."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from pipeline.config.settings import Settings
from schemas.conversation import Conversation
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.runtime import sdk
from tests.pipeline.http.serving import WINDOW, Client, assert_failed
from tests.pipeline.query.metrics.metrics_requests import KINDS, one
from tests.pipeline.query.metrics.slow import results, rows
from tests.pipeline.query.rows import BOT, conversation

OPERATIONS = list(KINDS)
PATHS = {
    "ListSessionMetrics": "sessionmetrics",
    "ListIntentMetrics": "intentmetrics",
    "ListIntentStageMetrics": "intentstagemetrics",
    "ListUtteranceMetrics": "utterancemetrics",
}
FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
ALL = {"startDateTime": round(FROM.timestamp()), "endDateTime": round(TO.timestamp())}
COUNT = one("Count")["metrics"][0]
HOURLY = {"name": "ConversationStartTime", "interval": "OneHour"}


@pytest.fixture
def lex(api: str) -> Iterator[Any]:
    with sdk("lexv2-models", api) as client:
        yield client


def ask(lex: Any, operation: str, **asked: Any) -> Any:
    window = {"botId": BOT, "startDateTime": FROM, "endDateTime": TO}
    return getattr(lex, xform_name(operation))(**window | {"metrics": [COUNT]} | asked)


def closed(count: int) -> list[Conversation]:
    """Conversations that are over whatever the clock says."""
    return [
        msgspec.structs.replace(
            row,
            end_state=row.end_state or "Success",
            visit_states=tuple(state or "Switched" for state in row.visit_states),
            stage_states=tuple(state or "Failed" for state in row.stage_states),
        )
        for row in rows(count, seed=5)
        if row.bot_id == BOT
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_sdk_pages_through_groups_and_bins(lex: Any, with_tables: Settings, operation: str) -> None:
    stored = closed(60)
    insert(with_tables, *stored)
    kind, _ = KINDS[operation]
    asked: dict[str, Any] = {
        "metrics": [COUNT | {"order": "Descending"}, {"name": "Count", "statistic": "Avg"}],
        "groupBy": [{"name": name} for name in kind.groups],
        "binBy": [{"name": "ConversationStartTime", "interval": "OneDay"}],
    }
    wanted = results(operation, stored, ALL | asked)
    found: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = ask(lex, operation, **asked, maxResults=7, **token)
        assert page["botId"] == BOT
        found += page["results"]
        if "nextToken" not in page:
            break
        token = {"nextToken": page["nextToken"]}
    assert found == wanted
    assert len(wanted) > 7


def test_the_intent_of_the_latest_utterance(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, *closed(60))
    answer = ask(
        lex, "ListUtteranceMetrics", attributes=[{"name": "LastUsedIntent"}], groupBy=[{"name": "UtteranceText"}]
    )
    latest = results(
        "ListUtteranceMetrics",
        closed(60),
        ALL | one("Count") | {"groupBy": [{"name": "UtteranceText"}], "attributes": [1]},
    )
    assert [result.get("attributeResults", []) for result in answer["results"]] == [
        result.get("attributeResults", []) for result in latest
    ]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("ListSessionMetrics", {"metrics": [COUNT] * 8}, "metrics: expected array of length <= 7"),
    ("ListIntentMetrics", one("Retry"), "metrics[0].name: invalid enum value 'Retry'; there are Count, Success"),
    (
        "ListSessionMetrics",
        one("Count", "Average"),
        "metrics[0].statistic: invalid enum value 'Average'; there are Sum",
    ),
    (
        "ListSessionMetrics",
        {"metrics": [COUNT, COUNT | {"order": "Ascending"}], "binBy": [HOURLY | {"order": "Descending"}]},
        "binBy[0].order: results have one order; leave out this one or metrics[1].order",
    ),
    (
        "ListIntentStageMetrics",
        {"metrics": [COUNT | {"order": "Ascending"}] * 2},
        "metrics[1].order: results have one order; leave out this one or metrics[0].order",
    ),
    (
        "ListUtteranceMetrics",
        {"metrics": [COUNT, {"name": "UtteranceTimestamp", "statistic": "Sum"}]},
        "metrics[1].statistic: UtteranceTimestamp takes Avg, Max, not Sum",
    ),
    (
        "ListIntentMetrics",
        {"binBy": [HOURLY | {"name": "UtteranceTimestamp"}]},
        "binBy[0].name: invalid enum value 'UtteranceTimestamp'; there are ConversationStartTime",
    ),
    ("ListSessionMetrics", {"groupBy": [{"name": "LocaleId"}] * 3}, "groupBy: expected array of length <= 2"),
    (
        "ListIntentMetrics",
        {"filters": [{"name": "IntentEndState", "operator": "GT", "values": ["x"]}]},
        "filters[0].operator: IntentEndState takes EQ, CO, not GT",
    ),
    ("ListUtteranceMetrics", {"maxResults": 1001}, "maxResults: expected int <= 1000"),
]


@pytest.mark.parametrize(("operation", "asked", "message"), REFUSED)
def test_what_is_wrong_is_refused_by_name(lex: Any, operation: str, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as refused:
        ask(lex, operation, **asked)
    error = refused.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].startswith(message)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("member", ["metrics", "binBy", "groupBy", "filters", "attributes"])
def test_an_empty_list_is_refused(ask_plain: Client, operation: str, member: str) -> None:
    """The SDK would not send it."""
    answer = ask_plain.post(path(operation), WINDOW | {"metrics": [COUNT]} | {member: []})
    known = member != "attributes" or operation == "ListUtteranceMetrics"
    message = f"{member}: expected array of length >= 1" if known else "unknown field attributes"
    assert_failed(answer, 400, "ValidationException", message)


@pytest.fixture
def ask_plain(ask: Client) -> Client:
    return ask


def path(operation: str) -> str:
    return f"/bots/{BOT}/analytics/{PATHS[operation]}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_token_is_of_its_request_alone(lex: Any, with_tables: Settings, operation: str) -> None:
    insert(with_tables, *closed(60))
    groups = [{"name": name} for name in KINDS[operation][0].groups]
    asked = {"groupBy": groups, "binBy": [HOURLY]}
    token = ask(lex, operation, maxResults=1, **asked)["nextToken"]
    assert ask(lex, operation, maxResults=1000, nextToken=token, **asked)["results"]
    other = OPERATIONS[OPERATIONS.index(operation) - 1]
    for changed, change in (
        (operation, {"groupBy": groups[:1]}),
        (operation, {"binBy": [HOURLY | {"order": "Ascending"}]}),
        (operation, {"metrics": [COUNT | {"statistic": "Max"}]}),
        (operation, {"filters": [{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}]}),
        (operation, {"endDateTime": TO - timedelta(seconds=1)}),
        (operation, {"botId": "NOSUCHBOT0"}),
        (other, {"groupBy": [{"name": name} for name in KINDS[other][0].groups]}),
    ):
        with pytest.raises(ClientError, match=r"nextToken: this token belongs to another query"):
            ask(lex, changed, **asked | change, nextToken=token)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_rows_without_visits_are_never_counted_silently(lex: Any, with_tables: Settings, operation: str) -> None:
    insert(with_tables, conversation(fold=0))
    if operation == "ListSessionMetrics":
        assert ask(lex, operation)["results"][0]["metricsResults"][0]["value"] == 1.0
        return
    with pytest.raises(
        lex.exceptions.PreconditionFailedException, match="`turnfold rebuild --into new --swap`"
    ) as raised:
        ask(lex, operation)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_a_bot_without_conversations_has_a_zero(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, *closed(10))
    for operation in OPERATIONS:
        (result,) = ask(lex, operation, botId="NOSUCHBOT0")["results"]
        assert result["metricsResults"] == [COUNT | {"value": 0.0}]
