"""The SDK's own model of the service decides names, requirements and limits of the metrics operations."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from botocore.session import get_session

from schemas.lex.analytics.filters import IntentFilterName, IntentStageFilterName, PathFilterName, UtteranceFilterName
from schemas.lex.analytics.metrics import BinInterval, MetricsResponse, MetricStatistic, UtteranceBinName
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

Shape = Callable[[str], Any]
REQUESTS: dict[str, type[msgspec.Struct]] = {
    "ListSessionMetrics": ListSessionMetricsRequest,
    "ListIntentMetrics": ListIntentMetricsRequest,
    "ListIntentStageMetrics": ListIntentStageMetricsRequest,
    "ListUtteranceMetrics": ListUtteranceMetricsRequest,
}
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
    "AnalyticsIntentFilterName": IntentFilterName,
    "AnalyticsIntentStageFilterName": IntentStageFilterName,
    "AnalyticsUtteranceFilterName": UtteranceFilterName,
    "AnalyticsCommonFilterName": PathFilterName,
    "AnalyticsMetricStatistic": MetricStatistic,
    "AnalyticsInterval": BinInterval,
    "AnalyticsBinByName": UtteranceBinName,
}


@pytest.fixture(scope="module")
def shape() -> Shape:
    """A shape of the service, by its name."""
    named: Shape = get_session().get_service_model("lexv2-models").shape_for
    return named


@pytest.mark.parametrize("operation", REQUESTS)
def test_requests_have_the_members_and_limits_of_the_sdk(shape: Shape, operation: str) -> None:
    model = shape(f"{operation}Request")
    struct = REQUESTS[operation]
    _, schemas = msgspec.json.schema_components([struct])
    described = schemas[struct.__name__]
    assert set(described["properties"]) == set(model.members) - {"botId"}
    assert set(described["required"]) == set(model.required_members) - {"botId"}
    for name in set(described["properties"]) & {"metrics", "groupBy", "filters", "attributes", "binBy"}:
        listed = described["properties"][name]
        listed = listed if "items" in listed else listed["anyOf"][0]
        limits = model.members[name].metadata
        # a group or metric of each kind is as many as there can sensibly be
        assert (listed["minItems"], listed["maxItems"]) == (limits["min"], limits["max"]), name
        item = schemas[listed["items"]["$ref"].rsplit("/", 1)[1]]
        assert set(item["properties"]) == set(model.members[name].member.members), name
        assert set(item["required"]) == set(model.members[name].member.required_members), name


@pytest.mark.parametrize("name", WORDS)
def test_words_of_metrics_are_those_of_the_sdk(shape: Shape, name: str) -> None:
    assert set(WORDS[name]) == set(shape(name).enum)


@pytest.mark.parametrize("operation", REQUESTS)
def test_the_response_has_the_members_of_the_sdk(shape: Shape, operation: str) -> None:
    _, schemas = msgspec.json.schema_components([MetricsResponse])
    model = shape(f"{operation}Response").members
    assert set(schemas["MetricsResponse"]["properties"]) == set(model)
    result = model["results"].member.members
    more = {"attributeResults"} - set(result)
    assert set(schemas["MetricsResult"]["properties"]) == set(result) | more
    for member, struct in (("binKeys", "BinKey"), ("groupByKeys", "GroupKey"), ("metricsResults", "MetricResult")):
        assert set(schemas[struct]["properties"]) == set(result[member].member.members)
