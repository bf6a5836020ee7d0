import msgspec
import pytest

from schemas.lex.analytics.list_aggregated_utterances import (
    AggregatedUtterancesFilter,
    AggregatedUtterancesFilterName,
    AggregatedUtterancesSortAttribute,
    AggregatedUtterancesSortBy,
    AggregatedUtterancesSummary,
    ListAggregatedUtterancesRequest,
    ListAggregatedUtterancesResponse,
    RelativeAggregationDuration,
    TimeDimension,
    UtteranceAggregationDuration,
)
from tests.schemas.lex.sdk import IN_PATH, check_length, check_members, check_request, check_words, decodes, shape


@pytest.mark.parametrize(
    "struct",
    [
        RelativeAggregationDuration,
        UtteranceAggregationDuration,
        AggregatedUtterancesFilter,
        AggregatedUtterancesSortBy,
    ],
)
def test_parts_of_requests_are_those_of_the_sdk(struct: type[msgspec.Struct]) -> None:
    check_request(struct)


def test_requests_and_responses_are_those_of_the_sdk() -> None:
    check_request(ListAggregatedUtterancesRequest, IN_PATH)
    check_length(ListAggregatedUtterancesRequest, "filters", "AggregatedUtterancesFilters")
    check_length(AggregatedUtterancesFilter, "values", "FilterValues")
    check_members(AggregatedUtterancesSummary)
    check_members(ListAggregatedUtterancesResponse)


def test_words_are_those_of_the_sdk() -> None:
    check_words("TimeDimension", TimeDimension)
    check_words("AggregatedUtterancesFilterName", AggregatedUtterancesFilterName)
    check_words("AggregatedUtterancesSortAttribute", AggregatedUtterancesSortAttribute)


@pytest.mark.parametrize(
    ("text", "fits"),
    [("a (b)_-9", True), ("a" * 100, True), ("a" * 101, False), ("", False), ("it's", False)],
)
def test_texts_match_the_pattern_of_the_sdk(text: str, fits: bool) -> None:  # noqa: FBT001 -- a parameter
    assert shape("FilterValue").metadata == {"min": 1, "max": 100, "pattern": "^[0-9a-zA-Z_()\\s-]+$"}
    assert decodes(AggregatedUtterancesFilter, name="Utterance", operator="EQ", values=[text]) == fits


@pytest.mark.parametrize(
    ("member", "text", "fits"),
    [
        ("botAliasId", "TSTALIASID", True), ("botAliasId", "ABC", False), ("botAliasId", "TSTALIASI!", False),
        ("botVersion", "DRAFT", True), ("botVersion", "12", True), ("botVersion", "one", False),
        ("botVersion", "123456", False), ("localeId", "", False),
    ],
)  # fmt: skip
def test_aliases_and_versions_are_those_of_lex(member: str, text: str, fits: bool) -> None:  # noqa: FBT001 -- a parameter
    duration = {"relativeAggregationDuration": {"timeDimension": "Hours", "timeValue": 1}}
    request = {"localeId": "en_US", "aggregationDuration": duration} | {member: text}
    assert decodes(ListAggregatedUtterancesRequest, **request) == fits
