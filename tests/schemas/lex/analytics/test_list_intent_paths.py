import pytest

from schemas.lex.analytics.list_intent_paths import (
    AnalyticsIntentNodeSummary,
    ListIntentPathsRequest,
    ListIntentPathsResponse,
    NodeType,
)
from tests.schemas.lex.sdk import IN_PATH, check_length, check_members, check_request, check_words, decodes, shape


def test_requests_are_those_of_the_sdk() -> None:
    check_request(ListIntentPathsRequest, IN_PATH)
    check_length(ListIntentPathsRequest, "filters", "AnalyticsPathFilters")


def test_responses_are_those_of_the_sdk() -> None:
    check_members(AnalyticsIntentNodeSummary)
    check_members(ListIntentPathsResponse)
    check_words("AnalyticsNodeType", NodeType)


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/", True), ("/A", True), ("/A/B", True), ("/A b/Ü", True), ("/A//B", True), ("/" + "A" * 1023, True),
        ("", False), ("A", False), ("/A/", False), ("//", False), ("/A\n", True), ("/" + "A" * 1024, False),
        ("/A/\n", True), ("A/B", False),
    ],
)  # fmt: skip
def test_a_path_begins_with_a_slash_and_ends_without(path: str, fits: bool) -> None:  # noqa: FBT001 -- a parameter
    assert shape("AnalyticsPath").metadata == {"min": 1, "max": 1024}
    assert decodes(ListIntentPathsRequest, startDateTime=1, endDateTime=2, intentPath=path) == fits
