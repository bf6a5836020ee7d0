"""The SDK walks the tree of intent paths."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from pipeline.config.settings import Settings
from tests.pipeline.http.operations.test_list_sessions import insert
from tests.pipeline.http.runtime import sdk
from tests.pipeline.query.rows import BOT, conversation

WINDOW: dict[str, Any] = {
    "botId": BOT,
    "startDateTime": datetime(2020, 1, 1, tzinfo=UTC),
    "endDateTime": datetime(2030, 1, 1, tzinfo=UTC),
}


@pytest.fixture
def lex(api: str) -> Iterator[Any]:
    with sdk("lexv2-models", api) as made:
        yield made


def test_the_sdk_reads_every_member(lex: Any, with_tables: Settings) -> None:
    paths = ("/BookHotel", "/BookHotel/BookCar", "/BookHotel/BookCar", "/BookCar", "")
    insert(with_tables, *(conversation(number, intent_path=path) for number, path in enumerate(paths)))
    found = lex.list_intent_paths(**WINDOW, intentPath="/BookHotel")
    hotel = {"intentPath": "/BookHotel", "intentName": "BookHotel", "intentLevel": 1}
    assert found["nodeSummaries"] == [
        hotel | {"nodeType": "Inner", "intentCount": 2},
        hotel | {"nodeType": "Exit", "intentCount": 1},
        {
            "intentPath": "/BookHotel/BookCar",
            "intentName": "BookCar",
            "nodeType": "Exit",
            "intentCount": 2,
            "intentLevel": 2,
        },
    ]
    roots = lex.list_intent_paths(**WINDOW, intentPath="/")["nodeSummaries"]
    assert [(each["intentPath"], each["nodeType"], each["intentCount"]) for each in roots] == [
        ("/BookHotel", "Inner", 2), ("/BookHotel", "Exit", 1), ("/BookCar", "Exit", 1),
    ]  # fmt: skip


EQ = {"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"intentPath": "BookHotel"}, "intentPath: "),
        ({"intentPath": "/BookHotel/"}, "intentPath: "),
        ({"intentPath": "/" + "A" * 1024}, "intentPath: expected str of length <= 1024"),
        ({"filters": [EQ] * 6}, "filters: expected array of length <= 5"),
        ({"filters": [EQ | {"name": "SessionId"}]}, "there are BotAliasId, BotVersion, LocaleId, Modality, Channel"),
        ({"filters": [EQ | {"operator": "GT"}]}, "filters[0].operator: LocaleId takes EQ, not GT"),
        ({"startDateTime": WINDOW["endDateTime"]}, "startDateTime: it must be before endDateTime"),
    ],
)
def test_the_sdk_raises_what_lex_would(lex: Any, asked: dict[str, Any], message: str) -> None:
    with pytest.raises(lex.exceptions.ValidationException) as raised:
        lex.list_intent_paths(**WINDOW | {"intentPath": "/"} | asked)
    assert message in raised.value.response["Error"]["Message"]
