"""The SDK's own model decides names, requirements and limits of the operations that list bots, paths and utterances."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from botocore.session import get_session

from schemas.lex import list_bots
from schemas.lex.analytics import list_aggregated_utterances as aggregated
from schemas.lex.analytics import list_intent_paths, list_utterances
from schemas.lex.analytics.filters import (
    AnalyticsPathFilter,
    AnalyticsUtteranceFilter,
    PathFilterName,
    UtteranceFilterName,
)

Shape = Callable[[str], Any]
IN_PATH = {"botId"}
REQUESTS: list[tuple[type[msgspec.Struct], set[str]]] = [
    (list_intent_paths.ListIntentPathsRequest, IN_PATH),
    (list_utterances.ListUtteranceAnalyticsDataRequest, IN_PATH),
    (aggregated.ListAggregatedUtterancesRequest, IN_PATH),
    (list_bots.ListBotsRequest, set()),
    (list_utterances.UtteranceDataSortBy, set()),
    (aggregated.RelativeAggregationDuration, set()),
    (aggregated.UtteranceAggregationDuration, set()),
    (aggregated.AggregatedUtterancesFilter, set()),
    (aggregated.AggregatedUtterancesSortBy, set()),
    (list_bots.BotFilter, set()),
    (list_bots.BotSortBy, set()),
    (AnalyticsPathFilter, set()),
    (AnalyticsUtteranceFilter, set()),
]
RESPONSES: list[tuple[type[msgspec.Struct], set[str]]] = [
    (list_intent_paths.AnalyticsIntentNodeSummary, set()),
    (list_intent_paths.ListIntentPathsResponse, set()),
    # no log has what speech the bot answered with
    (list_utterances.UtteranceSpecification, {"outputType", "botResponseAudioVoiceId"}),
    (list_utterances.ListUtteranceAnalyticsDataResponse, set()),
    (aggregated.AggregatedUtterancesSummary, set()),
    (aggregated.ListAggregatedUtterancesResponse, set()),
    (list_bots.BotSummary, {"description", "latestBotVersion"}),
    (list_bots.ListBotsResponse, set()),
]


@pytest.fixture(scope="module")
def shape() -> Shape:
    """A shape of the service, by its name."""
    named: Shape = get_session().get_service_model("lexv2-models").shape_for
    return named


@pytest.mark.parametrize(("struct", "apart"), REQUESTS + RESPONSES)
def test_members_are_named_as_in_the_sdk(shape: Shape, struct: type[msgspec.Struct], apart: set[str]) -> None:
    assert {f.encode_name for f in msgspec.structs.fields(struct)} == set(shape(struct.__name__).members) - apart


@pytest.mark.parametrize(("struct", "apart"), REQUESTS)
def test_what_the_sdk_requires_is_required(shape: Shape, struct: type[msgspec.Struct], apart: set[str]) -> None:
    required = {f.encode_name for f in msgspec.structs.fields(struct) if f.required}
    assert required == set(shape(struct.__name__).required_members) - apart


@pytest.mark.parametrize(
    ("name", "enum"),
    [
        ("AnalyticsCommonFilterName", PathFilterName),
        ("AnalyticsUtteranceFilterName", UtteranceFilterName),
        ("AnalyticsUtteranceSortByName", list_utterances.UtteranceSortName),
        ("AnalyticsNodeType", list_intent_paths.NodeType),
        ("TimeDimension", aggregated.TimeDimension),
        ("AggregatedUtterancesFilterName", aggregated.AggregatedUtterancesFilterName),
        ("AggregatedUtterancesSortAttribute", aggregated.AggregatedUtterancesSortAttribute),
        ("BotFilterName", list_bots.BotFilterName),
        ("BotFilterOperator", list_bots.BotFilterOperator),
        ("BotSortAttribute", list_bots.BotSortAttribute),
    ],
)
def test_words_are_those_of_the_sdk(shape: Shape, name: str, enum: type[StrEnum]) -> None:
    assert set(enum) == set(shape(name).enum)


@pytest.mark.parametrize(
    ("request_type", "member", "name"),
    [
        (list_intent_paths.ListIntentPathsRequest, "filters", "AnalyticsPathFilters"),
        (list_utterances.ListUtteranceAnalyticsDataRequest, "filters", "AnalyticsUtteranceFilters"),
        (aggregated.ListAggregatedUtterancesRequest, "filters", "AggregatedUtterancesFilters"),
        (aggregated.AggregatedUtterancesFilter, "values", "FilterValues"),
        (list_bots.ListBotsRequest, "filters", "BotFilters"),
        (list_bots.BotFilter, "values", "FilterValues"),
    ],
)
def test_lists_are_as_long_as_in_the_sdk(
    shape: Shape, request_type: type[msgspec.Struct], member: str, name: str
) -> None:
    _, schemas = msgspec.json.schema_components([request_type])
    found = schemas[request_type.__name__]["properties"][member]
    limits = shape(name).metadata
    found = found.get("anyOf", [found])[0]
    assert (found["minItems"], found["maxItems"]) == (limits["min"], limits["max"])


def test_texts_match_the_patterns_of_the_sdk(shape: Shape) -> None:
    limits = shape("FilterValue").metadata
    assert limits == {"min": 1, "max": 100, "pattern": "^[0-9a-zA-Z_()\\s-]+$"}
    for text, fits in (("a (b)_-9", True), ("a" * 100, True), ("a" * 101, False), ("", False), ("it's", False)):
        assert decodes(aggregated.AggregatedUtterancesFilter, name="Utterance", operator="EQ", values=[text]) == fits
    assert shape("AnalyticsPath").metadata == {"min": 1, "max": 1024}


@pytest.mark.parametrize(
    ("path", "fits"),
    [
        ("/", True), ("/A", True), ("/A/B", True), ("/A b/Ü", True), ("/A//B", True), ("/" + "A" * 1023, True),
        ("", False), ("A", False), ("/A/", False), ("//", False), ("/A\n", True), ("/" + "A" * 1024, False),
        ("/A/\n", True), ("A/B", False),
    ],
)  # fmt: skip
def test_a_path_begins_with_a_slash_and_ends_without(path: str, fits: bool) -> None:  # noqa: FBT001 -- a parameter
    request = {"startDateTime": 1, "endDateTime": 2, "intentPath": path}
    assert decodes(list_intent_paths.ListIntentPathsRequest, **request) == fits


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
    assert decodes(aggregated.ListAggregatedUtterancesRequest, **request) == fits


def decodes(struct: type[msgspec.Struct], **members: Any) -> bool:
    """Whether JSON with these members is valid."""
    try:
        msgspec.json.decode(msgspec.json.encode(members), type=struct)
    except msgspec.ValidationError:
        return False
    return True
