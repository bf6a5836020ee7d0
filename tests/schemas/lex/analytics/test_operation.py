"""The SDK's own model of the service decides names, requirements and limits."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import msgspec
import pytest
from botocore.session import get_session

from schemas.lex.analytics.filters import AnalyticsSessionFilter, FilterOperator, SessionFilterName
from schemas.lex.analytics.list_sessions import (
    InvokedIntentSample,
    ListSessionAnalyticsDataRequest,
    ListSessionAnalyticsDataResponse,
    SessionDataSortBy,
    SessionSortName,
    SessionSpecification,
)
from schemas.lex.analytics.operation import SortOrder

Shape = Callable[[str], Any]
REQUEST = {"startDateTime": 1, "endDateTime": 2}


@pytest.fixture(scope="module")
def shape() -> Shape:
    """A shape of the service, by its name."""
    model = get_session().get_service_model("lexv2-models")
    named: Shape = model.shape_for
    return named


@pytest.mark.parametrize(
    ("struct", "apart"),
    [
        (AnalyticsSessionFilter, set()),
        (SessionDataSortBy, set()),
        (ListSessionAnalyticsDataRequest, {"botId"}),  # it is in the path
        (InvokedIntentSample, set()),
        (SessionSpecification, set()),
        (ListSessionAnalyticsDataResponse, set()),
    ],
)
def test_members_are_named_as_in_the_sdk(shape: Shape, struct: type[msgspec.Struct], apart: set[str]) -> None:
    assert {f.encode_name for f in msgspec.structs.fields(struct)} == set(shape(struct.__name__).members) - apart


@pytest.mark.parametrize("struct", [AnalyticsSessionFilter, SessionDataSortBy, ListSessionAnalyticsDataRequest])
def test_what_the_sdk_requires_is_required(shape: Shape, struct: type[msgspec.Struct]) -> None:
    required = {f.encode_name for f in msgspec.structs.fields(struct) if f.required}
    assert required == set(shape(struct.__name__).required_members) - {"botId"}


@pytest.mark.parametrize(
    ("name", "enum", "more"),
    [
        ("AnalyticsSessionFilterName", SessionFilterName, {"IntentPathStart", "UtteranceText"}),  # Turnfold's own
        ("AnalyticsFilterOperator", FilterOperator, {"CO"}),  # documented, yet not in the SDK
        ("AnalyticsSessionSortByName", SessionSortName, set()),
        ("AnalyticsSortOrder", SortOrder, set()),
    ],
)
def test_words_are_those_of_the_sdk(shape: Shape, name: str, enum: type[StrEnum], more: set[str]) -> None:
    assert set(enum) == set(shape(name).enum) | more


def test_limits_are_those_of_the_sdk(shape: Shape) -> None:
    _, schemas = msgspec.json.schema_components([ListSessionAnalyticsDataRequest, ListSessionAnalyticsDataResponse])
    properties = schemas["ListSessionAnalyticsDataRequest"]["properties"]
    filters, results = (properties[name]["anyOf"][0] for name in ("filters", "maxResults"))
    values = schemas["AnalyticsSessionFilter"]["properties"]["values"]
    bot = schemas["ListSessionAnalyticsDataResponse"]["properties"]["botId"]
    for found, name in ((filters, "AnalyticsSessionFilters"), (values, "AnalyticsFilterValues")):
        limits = shape(name).metadata
        assert (found["minItems"], found["maxItems"]) == (limits["min"], limits["max"])
    limits = shape("MaxResults").metadata
    assert (results["minimum"], results["maximum"]) == (limits["min"], limits["max"])
    assert shape("Id").metadata == {"min": 10, "max": 10, "pattern": "^[0-9a-zA-Z]+$"}
    assert (bot["pattern"], bot["maxLength"]) == ("^[0-9a-zA-Z]{10}$", 10)


@pytest.mark.parametrize(
    "more",
    [
        {"filter": []},
        {"sortBy": {"name": "Duration", "order": "Ascending", "by": 1}},
        {"filters": [{"name": "LocaleId", "operator": "EQ", "values": ["x"], "value": "y"}]},
    ],
)
def test_a_member_nobody_reads_is_refused_by_name(more: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"unknown field `(filter|by|value)`"):
        msgspec.convert(REQUEST | more, ListSessionAnalyticsDataRequest)


def test_what_is_unset_is_left_out_of_an_answer() -> None:
    answer = ListSessionAnalyticsDataResponse(bot_id="BOTAAAAAA1", sessions=())
    assert msgspec.json.encode(answer) == b'{"botId":"BOTAAAAAA1","sessions":[]}'
