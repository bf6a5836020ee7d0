import asyncio
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.store.connection.client import connection
from schemas.conversation import Conversation
from tests.effort import OF_ENGINE, examples
from tests.pipeline.http.serving import SESSIONS, WINDOW, Client, assert_failed, client
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation, conversations, ordered

FROM, TO = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)


def insert(where: Settings, *rows: Conversation) -> None:
    async def connected() -> None:
        async with connection(where) as clickhouse:
            await clickhouse.insert("conversations", rows)

    asyncio.run(connected())


@pytest.fixture
def lex(api: str) -> Iterator[Any]:
    """The SDK, with nothing changed but the endpoint."""
    made = boto3.client(
        "lexv2-models",
        endpoint_url=api,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}),
    )
    yield made
    made.close()


def listing(lex: Any, **asked: Any) -> Any:
    return lex.list_session_analytics_data(**{"botId": BOT, "startDateTime": FROM, "endDateTime": TO} | asked)


def test_the_sdk_reads_every_field(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, conversation(start=NOW - 90_001, end=NOW - 1, duration_seconds=90))
    answer = listing(lex)
    (session,) = answer["sessions"]
    assert session.pop("conversationStartTime") == instant(NOW - 90_001)
    assert session.pop("conversationEndTime") == instant(NOW - 1)
    assert session == {
        "botAliasId": "TSTALIASID",
        "botVersion": "DRAFT",
        "localeId": "en_US",
        "channel": "Slack",
        "sessionId": "session-0",
        "conversationDurationSeconds": 90,
        "conversationEndState": "Success",
        "mode": "Text",
        "numberOfTurns": 3,
        "invokedIntentSamples": [{"intentName": "BookHotel"}],
        "originatingRequestId": "request-0",
    }
    assert answer["botId"] == BOT
    assert "nextToken" not in answer
    assert answer["ResponseMetadata"]["RequestId"] == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]


def instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


def test_the_sdk_reads_times_of_every_millisecond_as_they_were(lex: Any, with_tables: Settings) -> None:
    rows = [conversation(n, start=NOW - n, end=NOW) for n in range(1000)]
    insert(with_tables, *rows)
    answer = listing(lex, maxResults=1000)
    assert [session["conversationStartTime"] for session in answer["sessions"]] == [instant(row.start) for row in rows]


@pytest.mark.parametrize("name", ["ConversationStartTime", "NumberOfTurns", "Duration"])
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_the_sdk_pages_to_the_end(lex: Any, with_tables: Settings, name: str, order: str) -> None:
    rows = conversations(200, seed=7)
    insert(with_tables, *rows)
    wanted = ordered([row for row in rows if row.bot_id == BOT], name, order)
    for size in (17, 100, 1000):
        found: list[tuple[str, str]] = []
        token: dict[str, str] = {}
        while True:
            page = listing(lex, maxResults=size, sortBy={"name": name, "order": order}, **token)
            found += [(each["sessionId"], each["originatingRequestId"]) for each in page["sessions"]]
            if "nextToken" not in page:
                break
            token = {"nextToken": page["nextToken"]}
        assert found == wanted


BAD_ID = "botId: expected a bot's id: exactly 10 of 0-9, A-Z, a-z"
EQ = {"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"startDateTime": TO, "endDateTime": FROM}, "startDateTime: it must be before endDateTime"),
        ({"startDateTime": TO, "endDateTime": TO}, "startDateTime: it must be before endDateTime"),
        ({"maxResults": 1001}, "maxResults: expected int <= 1000"),
        ({"filters": [EQ] * 11}, "filters: expected array of length <= 10"),
        (
            {"filters": [EQ, EQ | {"values": list("abcdef")}]},
            "filters[1].values: expected array of length <= 5",
        ),
        ({"filters": [EQ, EQ, EQ | {"operator": "GT"}]}, "filters[2].operator: LocaleId takes EQ, not GT"),
        ({"filters": [EQ | {"operator": "CO"}]}, "filters[0].operator: LocaleId takes EQ, not CO"),
        (
            {"filters": [EQ | {"name": "Nope"}]},
            "filters[0].name: invalid enum value 'Nope'; there are BotAliasId,",
        ),
        ({"filters": [{"name": "Duration", "operator": "GT", "values": ["long"]}]}, "expected whole seconds"),
        (
            {"filters": [{"name": "Duration", "operator": "GT", "values": ["1", "2"]}]},
            "GT takes one value only",
        ),
        (
            {"sortBy": {"name": "Nope", "order": "Ascending"}},
            "there are ConversationStartTime, NumberOfTurns",
        ),
        ({"sortBy": {"name": "Duration", "order": "Up"}}, "there are Ascending, Descending"),
        ({"nextToken": "' OR 1=1 --"}, "nextToken: this server did not issue this token"),
        ({"nextToken": ""}, "nextToken: this server did not issue this token"),
        ({"botId": "BOTAAAAAA!"}, BAD_ID),
        ({"botId": "BOT/AAAAA1"}, BAD_ID),
        ({"botId": "BOTAAAAAA\n"}, BAD_ID),
        ({"botId": "BÖTAAAAAA1"}, BAD_ID),
        ({"botId": "BOTAAAAAA12"}, BAD_ID),
    ],
)
def test_the_sdk_raises_what_lex_would(lex: Any, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(lex.exceptions.ValidationException) as raised:
        listing(lex, **asked)
    error: ClientError = raised.value
    assert message in error.response["Error"]["Message"]
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert error.response["ResponseMetadata"]["RequestId"]


def test_a_token_serves_its_own_query_and_no_changed_one(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, *conversations(100, seed=8))
    token = listing(lex)["nextToken"]
    assert listing(lex, nextToken=token, maxResults=3)["sessions"]
    changed: list[dict[str, Any]] = [
        {"botId": OTHER_BOT},
        {"endDateTime": TO + timedelta(seconds=1)},
        {"filters": [EQ]},
        {"sortBy": {"name": "Duration", "order": "Descending"}},
        {"nextToken": token[:-4] + "".join("A" if c != "A" else "B" for c in token[-4:])},
        {"nextToken": token + "="},
    ]
    for each in changed:
        with pytest.raises(lex.exceptions.ValidationException, match="nextToken: "):
            listing(lex, **({"nextToken": token} | each))


def test_curl_may_write_times_as_text_or_fractions(ask: Client, with_tables: Settings) -> None:
    insert(with_tables, conversation(start=1_770_000_000_500, end=1_770_000_001_000))
    start, end = "2026-02-02T02:40:00.4999Z", "2026-02-02T03:40:01.0001+01:00"
    assert len(ask.sessions(startDateTime=start, endDateTime=end).body["sessions"]) == 1
    assert len(ask.sessions(startDateTime=1770000000.4999, endDateTime=1770000001.0001).body["sessions"]) == 1
    assert ask.sessions(startDateTime="2026-02-02T02:40:00.5Z", endDateTime=end).body["sessions"] == []


def test_percent_encoding_in_the_path_is_undone_once(ask: Client) -> None:
    assert ask.post(SESSIONS.replace("BOT", "%42%4f%54"), WINDOW).body == {"botId": BOT, "sessions": []}
    for wrong in ("BOT%2FAAAA1", "%2542OTAAAAAA1", "BOTAAAAAA%FF", "BOTAAAAAA%0A"):
        assert_failed(ask.post(SESSIONS.replace(BOT, wrong), WINDOW), 400, "ValidationException", "botId: ")


def test_a_body_beyond_the_limit_is_refused_however_it_is_sent(api: str) -> None:
    """Also where the client is still sending it."""
    large = b" " * 5_000_000
    for body in (large, iter([large[:40_000]] * 100)):
        with client(api) as opened:
            answer = opened.ask("POST", SESSIONS, body)  # type: ignore[arg-type]  # an iterator is sent in chunks
        assert_failed(answer, 400, "ValidationException", "body: larger than 65536 bytes")


WORDS = """
startDateTime endDateTime filters sortBy maxResults nextToken name operator values order
LocaleId Duration ConversationEndState IntentPath EQ CO GT LT 30 Ascending Descending
"""


@pytest.mark.search
def test_no_body_is_ever_a_fault_of_the_server(ask: Client) -> None:
    words = st.sampled_from(WORDS.split())
    numbers = st.integers() | st.floats(allow_nan=False) | st.sampled_from([0, 1, 2**31, 2**63, 2**64, 1e308])
    values = st.recursive(
        st.none() | st.booleans() | numbers | st.text() | words,
        lambda inner: st.lists(inner, max_size=6) | st.dictionaries(words | st.text(), inner, max_size=4),
        max_leaves=12,
    )
    filters = st.lists(
        st.fixed_dictionaries({"name": words, "operator": words, "values": st.lists(st.text() | words, max_size=6)})
    )
    likely = st.fixed_dictionaries(
        {"startDateTime": numbers | st.just(0), "endDateTime": numbers | st.just(4_000_000_000)},
        optional={
            "filters": filters,
            "sortBy": st.fixed_dictionaries({"name": words, "order": words}),
            "maxResults": st.integers(-1, 1001) | numbers,
            "nextToken": st.text(),
        },
    )

    @given(values | likely)
    @settings(max_examples=examples(300, OF_ENGINE), deadline=None)
    def answered(body: object) -> None:
        answer = ask.ask("POST", SESSIONS, json.dumps(body).encode())
        assert answer.status in {200, 400}

    @given(st.binary(max_size=200))
    @settings(max_examples=examples(100, OF_ENGINE), deadline=None)
    def refused(body: bytes) -> None:
        assert_failed(ask.post(SESSIONS, body), 400, "ValidationException")

    answered()
    refused()


def test_broken_bodies_are_refused(ask: Client) -> None:
    good = b'{"startDateTime": 1, "endDateTime": 2}'
    broken = [
        *(good[:n] for n in range(len(good))),
        *(b'{"startDateTime": ' + b"[" * n for n in (1, 1_000, 60_000)),
        *(good.replace(b"1", each) for each in (b"NaN", b"1e999", b"-1e999", b"1e-99999999999999999999", b'"\\ud800"')),
        b"\x00",
        b"\xff" * 100,
        b"<xml/>",
    ]
    for body in broken:
        assert_failed(ask.post(SESSIONS, body), 400, "ValidationException")
    assert ask.post(SESSIONS, good).status == 200


def test_random_bytes_changed_in_a_good_body_are_never_a_fault(ask: Client) -> None:
    rng = random.Random(9)  # noqa: S311 -- test data
    good = b'{"startDateTime":1,"endDateTime":2,"filters":[{"name":"SessionId","operator":"EQ","values":["a"]}]}'
    for _ in range(300):
        body = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        assert ask.post(SESSIONS, bytes(body)).status in {200, 400}
