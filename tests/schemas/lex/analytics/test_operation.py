from typing import Any

import msgspec
import pytest

from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest, ListSessionAnalyticsDataResponse
from schemas.lex.analytics.operation import ErrorBody, SortOrder
from tests.schemas.lex.sdk import check_words, shape

REQUEST = {"startDateTime": 1, "endDateTime": 2}


def test_words_are_those_of_the_sdk() -> None:
    check_words("AnalyticsSortOrder", SortOrder)


def test_a_bot_id_has_the_limits_of_the_sdk() -> None:
    _, schemas = msgspec.json.schema_components([ListSessionAnalyticsDataResponse])
    bot = schemas["ListSessionAnalyticsDataResponse"]["properties"]["botId"]
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


def test_what_is_unset_is_left_out_of_a_response() -> None:
    response = ListSessionAnalyticsDataResponse(bot_id="BOTAAAAAA1", sessions=())
    assert msgspec.json.encode(response) == b'{"botId":"BOTAAAAAA1","sessions":[]}'
    assert msgspec.json.encode(ErrorBody("no")) == b'{"message":"no"}'
