import msgspec

from schemas.lex.analytics.list_sessions import (
    InvokedIntentSample,
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionDataSortBy,
    SessionSortName,
    SessionSpecification,
)
from tests.schemas.lex.sdk import IN_PATH, check_length, check_members, check_request, check_words, shape


def test_requests_are_those_of_the_sdk() -> None:
    check_request(ListSessionAnalyticsDataRequest, IN_PATH)
    check_request(SessionDataSortBy)
    check_words("AnalyticsSessionSortByName", SessionSortName)
    check_length(ListSessionAnalyticsDataRequest, "filters", "AnalyticsSessionFilters")


def test_responses_are_those_of_the_sdk() -> None:
    check_members(InvokedIntentSample)
    check_members(SessionSpecification)
    check_members(ListSessionAnalyticsDataResponse)


def test_a_page_is_as_large_as_in_the_sdk() -> None:
    _, schemas = msgspec.json.schema_components([ListSessionAnalyticsDataRequest])
    results = schemas["ListSessionAnalyticsDataRequest"]["properties"]["maxResults"]["anyOf"][0]
    limits = shape("MaxResults").metadata
    assert (results["minimum"], results["maximum"]) == (limits["min"], limits["max"])
