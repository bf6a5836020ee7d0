from enum import StrEnum

import msgspec
import pytest

from schemas.lex.analytics.metrics_requests import (
    IntentGroupName,
    IntentMetricName,
    IntentStageGroupName,
    IntentStageMetricName,
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListSessionMetricsRequest,
    ListUtteranceMetricsRequest,
    SessionGroupName,
    SessionMetricName,
    UtteranceAttributeName,
    UtteranceGroupName,
    UtteranceMetricName,
)
from tests.schemas.lex.sdk import IN_PATH, check_request, check_words, shape

REQUESTS = (
    ListSessionMetricsRequest,
    ListIntentMetricsRequest,
    ListIntentStageMetricsRequest,
    ListUtteranceMetricsRequest,
)
WORDS: dict[str, type[StrEnum]] = {
    "AnalyticsSessionMetricName": SessionMetricName,
    "AnalyticsIntentMetricName": IntentMetricName,
    "AnalyticsIntentStageMetricName": IntentStageMetricName,
    "AnalyticsUtteranceMetricName": UtteranceMetricName,
    "AnalyticsSessionField": SessionGroupName,
    "AnalyticsIntentField": IntentGroupName,
    "AnalyticsIntentStageField": IntentStageGroupName,
    "AnalyticsUtteranceField": UtteranceGroupName,
    "AnalyticsUtteranceAttributeName": UtteranceAttributeName,
}


@pytest.mark.parametrize("struct", REQUESTS)
def test_requests_have_the_members_and_limits_of_the_sdk(struct: type[msgspec.Struct]) -> None:
    check_request(struct, IN_PATH)
    model = shape(struct.__name__)
    _, schemas = msgspec.json.schema_components([struct])
    described = schemas[struct.__name__]
    lists = set(described["properties"]) & {"metrics", "groupBy", "filters", "attributes", "binBy"}
    assert len(lists) >= 4
    for name in lists:
        listed = described["properties"][name]
        listed = listed if "items" in listed else listed["anyOf"][0]
        limits = model.members[name].metadata
        # a group or metric of each kind is as many as there can sensibly be
        assert (listed["minItems"], listed["maxItems"]) == (limits["min"], limits["max"]), name
        item = schemas[listed["items"]["$ref"].rsplit("/", 1)[1]]
        assert set(item["properties"]) == set(model.members[name].member.members), name
        assert set(item["required"]) == set(model.members[name].member.required_members), name


@pytest.mark.parametrize("name", WORDS)
def test_words_are_those_of_the_sdk(name: str) -> None:
    check_words(name, WORDS[name])
