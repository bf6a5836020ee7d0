import msgspec
import pytest

from schemas.lex.analytics.metrics import (
    BinInterval,
    ConversationBinName,
    MetricsResponse,
    MetricStatistic,
    UtteranceBinName,
)
from tests.schemas.lex.sdk import check_words, shape

OPERATIONS = ("ListSessionMetrics", "ListIntentMetrics", "ListIntentStageMetrics", "ListUtteranceMetrics")


def test_words_are_those_of_the_sdk() -> None:
    check_words("AnalyticsMetricStatistic", MetricStatistic)
    check_words("AnalyticsInterval", BinInterval)
    check_words("AnalyticsBinByName", UtteranceBinName)
    assert set(ConversationBinName) < set(shape("AnalyticsBinByName").enum)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_response_has_the_members_of_the_sdk(operation: str) -> None:
    _, schemas = msgspec.json.schema_components([MetricsResponse])
    model = shape(f"{operation}Response").members
    assert set(schemas["MetricsResponse"]["properties"]) == set(model)
    result = model["results"].member.members
    more = {"attributeResults"} - set(result)
    assert set(schemas["MetricsResult"]["properties"]) == set(result) | more
    for member, struct in (("binKeys", "BinKey"), ("groupByKeys", "GroupKey"), ("metricsResults", "MetricResult")):
        assert set(schemas[struct]["properties"]) == set(result[member].member.members)
