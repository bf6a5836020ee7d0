from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from schemas.lex.log_entry import alias_id, bot_id
from tests.pipeline.http.runtime import insert, sdk, standing_still
from tests.pipeline.http.serving import client, serving
from tests.pipeline.query.session_entries import ALIAS, ALIAS_NAME, BOT, BOT_NAME, USER, scalar, v1, v2

ASKED = {"botId": BOT, "botAliasId": ALIAS, "localeId": "en_US", "sessionId": USER}


@pytest.fixture
def url(with_tables: Settings) -> Iterator[str]:
    with standing_still(with_tables) as address:
        yield address


@pytest.fixture
def lex(url: str) -> Iterator[Any]:
    with sdk("lexv2-runtime", url) as made:
        yield made


def test_the_sdk_reads_every_member(lex: Any, with_tables: Settings) -> None:
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
    found = lex.get_session(**ASKED)
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


def test_a_bot_of_v1_has_ids_too(lex: Any, with_tables: Settings) -> None:
    insert(with_tables, v1())
    ids = {"botId": bot_id(BOT_NAME), "botAliasId": alias_id(BOT_NAME, ALIAS_NAME)}
    assert lex.get_session(**ASKED | ids)["sessionState"]["intent"]["name"] == "BookHotel"


@pytest.mark.parametrize("session_id", ["x:y", "a/b", "..", "a.b_c-d"])
def test_session_ids_that_a_path_has_to_encode(lex: Any, with_tables: Settings, session_id: str) -> None:
    insert(with_tables, v2(sessionId=session_id))
    assert lex.get_session(**ASKED | {"sessionId": session_id})["sessionId"] == session_id


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
def test_bad_parameters_are_told(lex: Any, asked: dict[str, str], where: str) -> None:
    with pytest.raises(lex.exceptions.ValidationException) as raised:
        lex.get_session(**ASKED | asked)
    error = raised.value.response
    assert error["Error"]["Message"].startswith(where)
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    "changed", [{"botId": "NOSUCHBOT0"}, {"botAliasId": "x"}, {"localeId": "x"}, {"sessionId": "xx"}]
)
def test_no_session_is_not_found(lex: Any, with_tables: Settings, changed: dict[str, str]) -> None:
    insert(with_tables, v2())
    with pytest.raises(lex.exceptions.ResourceNotFoundException) as raised:
        lex.get_session(**ASKED | changed)
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_clickhouse_that_is_away_is_an_internal_error() -> None:
    app = create_app(Settings(clickhouse="http://127.0.0.1:1"))
    with serving(app) as url, sdk("lexv2-runtime", url) as lex:
        with pytest.raises(lex.exceptions.InternalServerException) as raised:
            lex.get_session(**ASKED)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500


def test_no_path_is_ever_a_fault(url: str, with_tables: Settings) -> None:
    insert(with_tables, v2())
    part = (st.text(st.characters(), min_size=1) | st.sampled_from([*ASKED.values()])).map(
        lambda text: quote(text, "", errors="replace")
    )
    name = part | st.binary(min_size=1).map(lambda some: quote(some, ""))

    with client(url) as plain:

        @given(st.just(BOT) | name, name, name, name)
        @settings(max_examples=200, deadline=None)
        def answered(bot: str, alias: str, locale: str, session: str) -> None:
            path = f"/bots/{bot}/botAliases/{alias}/botLocales/{locale}/sessions/{session}"
            assert plain.ask("GET", path).status in {200, 400, 404}

        answered()
