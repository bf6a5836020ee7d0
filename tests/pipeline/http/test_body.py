import asyncio
from collections.abc import AsyncIterator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.http import body as body_module
from pipeline.http.body import MAX_BYTES, decode, read_body
from pipeline.query.errors import InvalidQueryError
from schemas.lex.analytics.filters import SessionFilterName
from schemas.lex.analytics.list_aggregated_utterances import ListAggregatedUtterancesRequest
from schemas.lex.analytics.list_intent_paths import ListIntentPathsRequest
from schemas.lex.analytics.list_sessions import ListSessionAnalyticsDataRequest, SessionSortName

TIMES = b'"startDateTime": 1, "endDateTime": 2'
FILTER = b'{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}'
MEMBERS = "startDateTime, endDateTime, sortBy, filters, maxResults, nextToken"


def asking(more: bytes) -> bytes:
    return b"{" + TIMES + b", " + more + b"}"


def filtering(*filters: bytes) -> bytes:
    return asking(b'"filters": [' + b", ".join(filters) + b"]")


def refused(body: bytes) -> str:
    with pytest.raises(InvalidQueryError) as error:
        decode(body, ListSessionAnalyticsDataRequest)
    return str(error.value)


WRONG = {
    b"{}": "body: object missing required field startDateTime",
    b'{"startDateTime": 1}': "body: object missing required field endDateTime",
    b"[]": "body: expected object, got array",
    b"null": "body: expected object, got null",
    b"": "body: cannot be read (Input data was truncated); send one JSON object in UTF-8",
    asking(b'"filter": []'): f"body: object contains unknown field filter; there are {MEMBERS}",
    asking(b'"botId": "x"'): f"body: object contains unknown field botId; there are {MEMBERS}",
    asking(b'"maxResults": 0'): "maxResults: expected int >= 1",
    asking(b'"maxResults": 1001'): "maxResults: expected int <= 1000",
    asking(b'"maxResults": "10"'): "maxResults: expected int | null, got str",
    asking(b'"maxResults": 1.5'): "maxResults: expected int | null, got float",
    asking(b'"maxResults": true'): "maxResults: expected int | null, got bool",
    asking(b'"nextToken": 1'): "nextToken: expected str | null, got int",
    asking(b'"filters": {}'): "filters: expected array | null, got object",
    filtering(): "filters: expected array of length >= 1",
    filtering(*[FILTER] * 11): "filters: expected array of length <= 10",
    filtering(b"1"): "filters[0]: expected object, got int",
    filtering(FILTER, b'{"name": "LocaleId"}'): "filters[1]: object missing required field operator",
    filtering(FILTER.replace(b"values", b"value")): (
        "filters[0]: object contains unknown field value; there are name, operator, values"
    ),
    filtering(FILTER.replace(b"LocaleId", b"Nope")): (
        f"filters[0].name: invalid enum value 'Nope'; there are {', '.join(SessionFilterName)}"
    ),
    filtering(FILTER.replace(b"EQ", b"eq")): ("filters[0].operator: invalid enum value 'eq'; there are EQ, GT, LT, CO"),
    filtering(FILTER.replace(b'"en_US"', b"")): "filters[0].values: expected array of length >= 1",
    filtering(FILTER.replace(b'"en_US"', b'"1","2","3","4","5","6"')): (
        "filters[0].values: expected array of length <= 5"
    ),
    filtering(FILTER.replace(b'"en_US"', b'"1",2')): "filters[0].values[1]: expected str, got int",
    asking(b'"sortBy": {"name": "Duration"}'): "sortBy: object missing required field order",
    asking(b'"sortBy": {"name": "Nope", "order": "Ascending"}'): (
        f"sortBy.name: invalid enum value 'Nope'; there are {', '.join(SessionSortName)}"
    ),
    asking(b'"sortBy": {"name": "Duration", "order": "Up"}'): (
        "sortBy.order: invalid enum value 'Up'; there are Ascending, Descending"
    ),
}


@pytest.mark.parametrize(("body", "message"), WRONG.items())
def test_a_wrong_member_is_named_with_what_would_be_right(body: bytes, message: str) -> None:
    assert refused(body) == message


def test_a_text_that_does_not_match_is_told_in_words_what_would() -> None:
    with pytest.raises(InvalidQueryError) as error:
        decode(asking(b'"intentPath": "/BookHotel/"'), ListIntentPathsRequest)
    assert str(error.value) == (
        "intentPath: expected names of intents in their order, such as /BookHotel/BookCar; / for the beginning"
    )
    with pytest.raises(InvalidQueryError, match="botVersion: expected DRAFT, or a number of at most 5 digits"):
        decode(b'{"localeId": "en_US", "aggregationDuration": {"relativeAggregationDuration": {"timeDimension": "Days",'
               b' "timeValue": 3}}, "botVersion": "one"}', ListAggregatedUtterancesRequest)  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{" + TIMES + b"} x",
        b"{'startDateTime': 1}",
        b"\xff\xfe",
        b"\xef\xbb\xbf{" + TIMES + b"}",
        b'{"startDateTime": NaN, "endDateTime": 1}',
        b'{"startDateTime": Infinity, "endDateTime": 1}',
        asking(b'"nextToken": "\\ud800"'),
        asking(b'"nextToken": "\\udfff"'),
        asking(b'"nextToken": "\xed\xa0\x80"'),
        asking(b'"\\udfff": 1'),
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    assert refused(body).startswith("body: cannot be read")


def test_a_name_that_looks_like_a_place_is_only_a_name() -> None:
    """msgspec ends its messages with the place; what it repeats of the body stands before."""
    for name in (b"a - at `$.nope", b"a - at `$.filters[0]", b"a - at `$.maxResults.x[1]", b"a - at `$"):
        assert "unknown field a" in refused(asking(b'"' + name + b'": 1'))
        nested = refused(filtering(FILTER.replace(b"values", name)))
        assert nested.startswith("filters[0]: object contains unknown field a - at $")


def test_a_long_name_is_not_repeated_in_full() -> None:
    assert len(refused(asking(b'"' + b"x" * 60_000 + b'": 1'))) < 400


@pytest.mark.parametrize("bracket", [b"[", b'{"a":'])
def test_deep_nesting_is_refused(bracket: bytes) -> None:
    assert refused(b'{"startDateTime": ' + bracket * 10_000).startswith("body: nested too deep")


def test_numbers_beyond_any_range_are_refused() -> None:
    assert refused(b'{"endDateTime": 1, "startDateTime": 1e-99999999999999999999}') == (
        "body: a number in it is beyond any range"
    )
    assert refused(b'{"endDateTime": 1, "startDateTime": 1' + b"0" * 60_000 + b"}").startswith("startDateTime:")


def test_null_is_absent() -> None:
    optional = b'"sortBy": null, "filters": null, "maxResults": null, "nextToken": null'
    assert decode(asking(optional), ListSessionAnalyticsDataRequest) == ListSessionAnalyticsDataRequest(1, 2)


def test_times_keep_every_digit() -> None:
    request = decode(b'{"startDateTime": 1.0000000000000000001, "endDateTime": 2}', ListSessionAnalyticsDataRequest)
    assert str(request.start_date_time) == "1.0000000000000000001"


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_read_or_refused_in_words_that_can_be_sent(body: bytes) -> None:
    for attempt in (body, asking(body), filtering(body), b'{"startDateTime": ' + body + b"}"):
        try:
            decode(attempt, ListSessionAnalyticsDataRequest)
        except InvalidQueryError as error:
            orjson.dumps(str(error))


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def test_a_body_is_read_up_to_its_limit() -> None:
    half = b"x" * (MAX_BYTES // 2)
    assert asyncio.run(read_body(chunks(half, b"", half))) == half * 2
    with pytest.raises(InvalidQueryError, match=f"^body: larger than {MAX_BYTES} bytes"):
        asyncio.run(read_body(chunks(half, half, b"x")))


def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    monkeypatch.setattr(body_module, "TIMEOUT_S", 0.01)
    with pytest.raises(InvalidQueryError, match=r"^body: not all of it arrived within 0\.01 s"):
        asyncio.run(read_body(never()))
