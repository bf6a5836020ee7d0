"""GetSession of Lex V1 and V2, as AWS's SDK reads it, and with any path."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware

from pipeline.auth.authenticator import AccessControl
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.middleware.request_context import RequestContextMiddleware
from pipeline.http.operations import get_session as get_session_v1
from pipeline.http.operations.operation import AppContext, ConcurrencyLimiter
from pipeline.query.analytics.page_token import PageTokens
from pipeline.runtime.clock import now_ms
from pipeline.store.connection.lazy_client import LazyClickHouse
from schemas.lex.log_entry import alias_id, bot_id
from tests.effort import OF_ENGINE, examples
from tests.pipeline.http.runtime import insert, sdk, standing_still
from tests.pipeline.http.serving import Client, assert_failed, client, serving
from tests.pipeline.query.session_entries import ALIAS, ALIAS_NAME, BOT, BOT_NAME, USER, Entry, scalar, v1, v2

PATH = "/bot/Travel/alias/live/user/user-1/session/"


@pytest.fixture
def url(with_tables: Settings) -> Iterator[str]:
    with standing_still(with_tables) as address:
        yield address


@pytest.fixture
def lex(url: str) -> Iterator[Any]:
    with sdk("lex-runtime", url) as made:
        yield made


@pytest.fixture
def plain(url: str) -> Iterator[Client]:
    with client(url) as opened:
        yield opened


def session(lex: Any, bot: str = BOT_NAME, alias: str = "live", user: str = USER, **asked: str) -> Any:
    found = lex.get_session(botName=bot, botAlias=alias, userId=user, **asked)
    assert found.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return found


def context(name: str, seconds: int) -> Entry:
    life = {"timeToLiveInSeconds": seconds, "turnsToLive": 5}
    return {"name": name, "timeToLive": life, "contextAttributes": {"city": "Lisbon"}}


def test_the_sdk_reads_every_member(lex: Any, with_tables: Settings) -> None:
    intent = {"slots": {"City": scalar("Lisbon"), "Nights": None}, "checkpointLabel": "Booked"}
    contexts = {"activeContexts": [context("booking", 600), context("gone", 10)]}
    insert(with_tables, v2(20, "Greet", intent_={"state": "Fulfilled"}), v2(10, intent_=intent, state=contexts))
    found = session(lex)
    assert [summary["intentName"] for summary in found.pop("recentIntentSummaryView")] == ["BookHotel", "Greet"]
    assert found == {
        "sessionId": "origin-1",
        "sessionAttributes": {"tier": "gold"},
        "dialogAction": {
            "type": "ElicitSlot",
            "intentName": "BookHotel",
            "slots": {"City": "Lisbon", "Nights": None},
            "slotToElicit": "City",
            "message": "Reply of 10",
            "messageFormat": "PlainText",
        },
        "activeContexts": [
            {
                "name": "booking",
                "timeToLive": {"timeToLiveInSeconds": 590, "turnsToLive": 5},
                "parameters": {"city": "Lisbon"},
            }
        ],
    }
    labelled = session(lex, checkpointLabelFilter="Booked")
    assert [summary["intentName"] for summary in labelled["recentIntentSummaryView"]] == ["BookHotel"]


@pytest.mark.parametrize(
    ("bot", "alias", "user"),
    [("$LATEST", "$LATEST", "x:y"), ("a b+c", "a/b", "a/b"), ("100%", "%2F", "..."), ("ø?#&=", "ø;,", "-_.:"),
     ("\\", "'", "__")],
)  # fmt: skip
def test_names_that_a_path_has_to_encode(lex: Any, with_tables: Settings, bot: str, alias: str, user: str) -> None:
    insert(with_tables, v1(botName=bot, botAlias=alias, userId=user))
    assert session(lex, bot, alias, user)["sessionId"] == "origin-1"
    insert(with_tables, v2(5, bot={"name": bot, "aliasName": alias}, sessionId=user, conversation="of-v2"))
    assert session(lex, bot, alias, user)["sessionId"] == "of-v2"
    with pytest.raises(lex.exceptions.NotFoundException):
        session(lex, bot, alias + "x", user)


def test_ids_are_taken_for_names(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, v2())
    assert session(lex, BOT, ALIAS) == session(lex)


def test_the_path_may_end_without_its_slash(plain: Client, with_tables: Settings) -> None:
    """Some of AWS's SDKs send it so."""
    insert(with_tables, v2())
    for query in ("", "?checkpointLabelFilter=Paid", "?other=1"):
        assert plain.ask("GET", PATH + query).body == plain.ask("GET", PATH.rstrip("/") + query).body


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"userId": "a b"}, "userId: expected 2 to 100 of"),
        ({"userId": "user!"}, "userId: expected 2 to 100 of"),
        ({"userId": "user\n"}, "userId: expected 2 to 100 of"),
        ({"userId": "x" * 101}, "userId: expected 2 to 100 of"),
        ({"userId": "ü-ser"}, "userId: expected 2 to 100 of"),
        ({"botName": "x" * 513}, "botName: expected 1 to 512 characters"),
        ({"botAlias": "x" * 513}, "botAlias: expected 1 to 512 characters"),
        ({"checkpointLabelFilter": "no spaces allowed"}, "checkpointLabelFilter: expected 1 to 255 of"),
        ({"checkpointLabelFilter": "x" * 256}, "checkpointLabelFilter: expected 1 to 255 of"),
        ({"checkpointLabelFilter": "Paid\n"}, "checkpointLabelFilter: expected 1 to 255 of"),
    ],
)
def test_bad_parameters_are_a_bad_request(lex: Any, asked: dict[str, str], where: str) -> None:
    with pytest.raises(lex.exceptions.BadRequestException) as raised:
        lex.get_session(**{"botName": BOT_NAME, "botAlias": "live", "userId": USER} | asked)
    error = raised.value.response
    assert error["Error"]["Message"].startswith(where)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_what_a_client_of_the_sdk_cannot_send_is_a_bad_request_too(plain: Client) -> None:
    for path in ("/bot/%FF/alias/a/user/uu/session/", "/bot/b/alias/%C3/user/uu/session/", PATH.replace(USER, "u")):
        assert_failed(plain.ask("GET", path), 400, "BadRequestException")
    for query in ("", "%FF", "a+b", "a%20b", "%ED%A0%80"):
        assert_failed(plain.ask("GET", f"{PATH}?checkpointLabelFilter={query}"), 400, "BadRequestException", "label")


def test_no_session_is_not_found(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, v2(301))
    with pytest.raises(lex.exceptions.NotFoundException) as raised:
        session(lex)
    error = raised.value.response
    assert error["Error"]["Message"].startswith("no session of user-1 is open")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_unavailable_clickhouse_is_an_internal_failure() -> None:
    app = create_app(Settings(clickhouse="http://127.0.0.1:1"))
    with serving(app) as url, sdk("lex-runtime", url) as lex:
        with pytest.raises(lex.exceptions.InternalFailureException) as raised:
            session(lex)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_too_many_at_once_is_a_limit_exceeded_with_a_time_to_wait(with_tables: Settings) -> None:
    store = LazyClickHouse(with_tables)
    backend = AppContext(
        with_tables, store, PageTokens(""), now_ms, ConcurrencyLimiter(0), AccessControl(with_tables, now_ms)
    )
    app = Starlette(
        routes=get_session_v1.GET_SESSION_V1.routes(backend), middleware=[Middleware(RequestContextMiddleware)]
    )
    with serving(app) as url, sdk("lex-runtime", url) as lex:
        with pytest.raises(lex.exceptions.LimitExceededException) as raised:
            session(lex)
        error = raised.value.response
        assert (error["retryAfterSeconds"], error["ResponseMetadata"]["HTTPStatusCode"]) == ("1", 429)


@pytest.mark.search
def test_no_path_and_no_label_is_ever_a_fault(plain: Client, with_tables: Settings) -> None:
    insert(with_tables, v2(), v1(5, sessionId="of-v1"))
    likely = st.sampled_from([BOT_NAME, "live", USER, BOT, ALIAS, "$LATEST", "..", "."])
    part = (st.text(st.characters(), min_size=1) | likely).map(lambda text: quote(text, "", errors="replace"))
    raw = st.text(st.sampled_from("%0aF/.:$-_~!é;=&+,@"), min_size=1).map(lambda text: quote(text, "%/:$!;=&+,@"))
    name = part | raw | st.binary(min_size=1).map(lambda some: quote(some, ""))
    label = st.none() | part | raw

    @given(name, name, name, label, st.booleans())
    @settings(max_examples=examples(400, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @example("%00", "%0A", "aa", None, True)
    @example("\\", "\\'", "aa", "Paid", False)
    def answered(bot: str, alias: str, user: str, asked: str | None, ending: bool) -> None:  # noqa: FBT001 - drawn
        path = f"/bot/{bot}/alias/{alias}/user/{user}/session" + "/" * ending
        query = "" if asked is None else f"?checkpointLabelFilter={asked}"
        assert plain.ask("GET", (path + query).replace("\\", "%5C")).status in {200, 400, 404}

    answered()


V2_IDS = {"botId": BOT, "botAliasId": ALIAS, "localeId": "en_US", "sessionId": USER}


@pytest.fixture
def lex_v2(url: str) -> Iterator[Any]:
    with sdk("lexv2-runtime", url) as made:
        yield made


def test_the_sdk_reads_every_member_of_v2(lex_v2: Any, with_tables: Settings) -> None:
    """A confidence that a log writes as text would be a fault inside the SDK."""
    intent = {"slots": {"City": scalar("Lisbon"), "Nights": None, "Odd": "None"}, "checkpointLabel": "Booked"}
    life = {"timeToLiveInSeconds": 600, "turnsToLive": 5}
    state = {"activeContexts": [{"name": "booking", "timeToLive": life, "contextAttributes": {"city": "Lisbon"}}]}
    interpretations = [
        {"nluConfidence": "0.81", "intent": {"name": "BookHotel", "slots": {}}, "sentimentResponse": {
            "sentiment": "NEUTRAL", "sentimentScore": {"neutral": "0.9", "mixed": 0}}},
        {"intent": {"name": "FallbackIntent", "slots": {}}},
    ]  # fmt: skip
    insert(with_tables, v2(intent_=intent, state=state, interpretations=interpretations))
    found = lex_v2.get_session(**V2_IDS)
    found.pop("ResponseMetadata")
    assert found == {
        "sessionId": USER,
        "messages": [{"contentType": "PlainText", "content": "Reply of 10"}],
        "interpretations": [
            {
                "nluConfidence": {"score": 0.81},
                "intent": {"name": "BookHotel", "slots": {}},
                "sentimentResponse": {"sentiment": "NEUTRAL", "sentimentScore": {"neutral": 0.9, "mixed": 0.0}},
            },
            {"intent": {"name": "FallbackIntent", "slots": {}}},
        ],
        "sessionState": {
            "originatingRequestId": "origin-1",
            "sessionAttributes": {"tier": "gold"},
            "dialogAction": {"type": "ElicitSlot", "slotToElicit": "City"},
            "intent": {
                "name": "BookHotel",
                "state": "InProgress",
                "confirmationState": "None",
                "slots": {"City": scalar("Lisbon"), "Nights": None, "Odd": None},
            },
            "activeContexts": [
                {
                    "name": "booking",
                    "timeToLive": {"timeToLiveInSeconds": 590, "turnsToLive": 5},
                    "contextAttributes": {"city": "Lisbon"},
                }
            ],
        },
    }


def test_a_bot_of_v1_has_ids_of_v2(lex_v2: Any, with_tables: Settings) -> None:
    insert(with_tables, v1())
    ids = {"botId": bot_id(BOT_NAME), "botAliasId": alias_id(BOT_NAME, ALIAS_NAME)}
    assert lex_v2.get_session(**V2_IDS | ids)["sessionState"]["intent"]["name"] == "BookHotel"


@pytest.mark.parametrize("session_id", ["x:y", "a/b", "..", "a.b_c-d"])
def test_session_ids_of_v2_are_percent_encoded(lex_v2: Any, with_tables: Settings, session_id: str) -> None:
    insert(with_tables, v2(sessionId=session_id))
    assert lex_v2.get_session(**V2_IDS | {"sessionId": session_id})["sessionId"] == session_id


@pytest.mark.parametrize(
    ("asked", "where"),
    [
        ({"botId": "BOTAAAAAA!"}, "botId: expected a bot's id"),
        ({"sessionId": "a b"}, "sessionId: expected 2 to 100 of"),
        ({"sessionId": "x" * 101}, "sessionId: expected 2 to 100 of"),
        ({"botAliasId": "x" * 513}, "botAliasId: expected 1 to 512 characters"),
        ({"localeId": "x" * 513}, "localeId: expected 1 to 512 characters"),
    ],
)
def test_bad_parameters_of_v2_are_named(lex_v2: Any, asked: dict[str, str], where: str) -> None:
    with pytest.raises(lex_v2.exceptions.ValidationException) as raised:
        lex_v2.get_session(**V2_IDS | asked)
    error = raised.value.response
    assert error["Error"]["Message"].startswith(where)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "changed", [{"botId": "NOSUCHBOT0"}, {"botAliasId": "x"}, {"localeId": "x"}, {"sessionId": "xx"}]
)
def test_no_session_of_v2_is_not_found(lex_v2: Any, with_tables: Settings, changed: dict[str, str]) -> None:
    insert(with_tables, v2())
    with pytest.raises(lex_v2.exceptions.ResourceNotFoundException) as raised:
        lex_v2.get_session(**V2_IDS | changed)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_an_unavailable_clickhouse_is_an_internal_error_of_v2() -> None:
    app = create_app(Settings(clickhouse="http://127.0.0.1:1"))
    with serving(app) as url, sdk("lexv2-runtime", url) as lex_v2:
        with pytest.raises(lex_v2.exceptions.InternalServerException) as raised:
            lex_v2.get_session(**V2_IDS)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


@pytest.mark.search
def test_no_path_of_v2_is_an_internal_error(url: str, with_tables: Settings) -> None:
    insert(with_tables, v2())
    part = (st.text(st.characters(), min_size=1) | st.sampled_from([*V2_IDS.values()])).map(
        lambda text: quote(text, "", errors="replace")
    )
    name = part | st.binary(min_size=1).map(lambda some: quote(some, ""))

    with client(url) as plain:

        @given(st.just(BOT) | name, name, name, name)
        @settings(max_examples=examples(200, OF_ENGINE), deadline=None)
        def answered(bot: str, alias: str, locale: str, session: str) -> None:
            path = f"/bots/{bot}/botAliases/{alias}/botLocales/{locale}/sessions/{session}"
            assert plain.ask("GET", path).status in {200, 400, 404}

        answered()
