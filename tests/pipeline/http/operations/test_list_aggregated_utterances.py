"""The SDK counts the texts of a window that ends now."""

from collections.abc import Iterator
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.pipeline.http.operations.test_list_sessions import insert, instant
from tests.pipeline.http.runtime import sdk, standing_still
from tests.pipeline.http.serving import client, serving
from tests.pipeline.http.told import tell
from tests.pipeline.query.rows import conversation
from tests.pipeline.query.session_entries import BOT, NOW, v2

HOUR = {"relativeAggregationDuration": {"timeDimension": "Hours", "timeValue": 1}}
ASKED: dict[str, Any] = {"botId": BOT, "localeId": "en_US", "aggregationDuration": HOUR}
SAID = {"name": "Utterance", "operator": "EQ", "values": ["yes"]}


@pytest.fixture
def lex(with_tables: Settings) -> Iterator[Any]:
    with standing_still(with_tables) as url, sdk("lexv2-models", url) as made:
        yield made


def test_the_sdk_reads_every_member(lex: Any, with_tables: Settings) -> None:
    said = [(3_600, "yes", False), (3_599.999, "yes", False), (90, "no", False), (60, "yes", True), (30, "yes", False)]
    tell(with_tables, *(v2(ago, inputTranscript=text, missedUtterance=missed) for ago, text, missed in said))
    found = lex.list_aggregated_utterances(**ASKED, botVersion="1")
    found.pop("ResponseMetadata")
    assert found == {
        "botId": BOT,
        "botVersion": "1",
        "localeId": "en_US",
        "aggregationDuration": HOUR,
        "aggregationWindowStartTime": instant(NOW - 3_600_000),
        "aggregationWindowEndTime": instant(NOW),
        "aggregationLastRefreshedDateTime": instant(NOW),
        "aggregatedUtterancesSummaries": [
            {
                "utterance": "yes",
                "hitCount": 2,
                "missedCount": 1,
                "utteranceFirstRecordedInAggregationDuration": instant(NOW - 3_599_999),
                "utteranceLastRecordedInAggregationDuration": instant(NOW - 30_000),
                "containsDataFromDeletedResources": False,
            },
            {
                "utterance": "no",
                "hitCount": 1,
                "missedCount": 0,
                "utteranceFirstRecordedInAggregationDuration": instant(NOW - 90_000),
                "utteranceLastRecordedInAggregationDuration": instant(NOW - 90_000),
                "containsDataFromDeletedResources": False,
            },
        ],
    }


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"botAliasId": "TSTALIASID", "botVersion": "1"}, "botVersion: give botAliasId or botVersion, not both"),
        ({"filters": [SAID, SAID]}, "filters: expected array of length <= 1"),
        ({"filters": [SAID | {"values": ["it's"]}]}, "filters[0].values[0]: "),
        ({"filters": [SAID | {"name": "UtteranceText"}]}, "there are Utterance"),
        ({"sortBy": {"attribute": "Utterance", "order": "Ascending"}}, "there are HitCount, MissedCount"),
        ({"nextToken": "garbage"}, "nextToken: this server did not issue this token"),
        (
            {"aggregationDuration": {"relativeAggregationDuration": {"timeDimension": "Days", "timeValue": 7}}},
            "aggregationDuration.relativeAggregationDuration.timeValue: Days takes 3, not 7",
        ),
    ],
)
def test_the_sdk_raises_what_lex_would(lex: Any, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(lex.exceptions.ValidationException) as raised:
        lex.list_aggregated_utterances(**ASKED | asked)
    assert message in raised.value.response["Error"]["Message"]


def test_rows_from_before_utterances_are_a_failed_precondition(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, conversation(start=NOW - 1_000, end=NOW, fold=0))
    with pytest.raises(
        lex.exceptions.PreconditionFailedException, match="turnfold rebuild --into new --swap"
    ) as raised:
        lex.list_aggregated_utterances(**ASKED)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412


def test_the_slash_at_the_end_may_be_left_out(with_tables: Settings) -> None:
    body = {name: value for name, value in ASKED.items() if name != "botId"}
    with serving(create_app(with_tables)) as url, client(url) as ask:
        for path in (f"/bots/{BOT}/aggregatedutterances/", f"/bots/{BOT}/aggregatedutterances"):
            assert ask.post(path, body).body["aggregatedUtterancesSummaries"] == []
