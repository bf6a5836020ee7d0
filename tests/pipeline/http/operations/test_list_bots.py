"""The SDK lists the bots that its key may know of."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.config.settings import Settings
from schemas.access_key import Right
from tests.pipeline.auth.signing import signing
from tests.pipeline.http.operations.test_list_sessions import insert, instant
from tests.pipeline.http.runtime import sdk
from tests.pipeline.http.serving import Client
from tests.pipeline.http.test_keys import asking_for_keys, denied
from tests.pipeline.http.told import tell
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation
from tests.pipeline.query.session_entries import v2


def test_the_sdk_reads_every_member(api: str, with_tables: Settings) -> None:
    tell(with_tables, v2(60), v2(30))
    insert(with_tables, conversation(bot_id=OTHER_BOT, end=NOW - 5))
    with sdk("lexv2-models", api) as lex:
        assert lex.list_bots()["botSummaries"] == [
            {"botId": OTHER_BOT, "botName": OTHER_BOT, "botStatus": "Available", "botType": "Bot",
             "lastUpdatedDateTime": instant(NOW - 5)},
            {"botId": BOT, "botName": "Travel", "botStatus": "Available", "botType": "Bot",
             "lastUpdatedDateTime": instant(NOW - 30_000)},
        ]  # fmt: skip
        page = lex.list_bots(maxResults=1)
        assert lex.list_bots(maxResults=1, nextToken=page["nextToken"])["botSummaries"][0]["botId"] == BOT
        travels = [{"name": "BotName", "operator": "CO", "values": ["rave"]}]
        assert [bot["botId"] for bot in lex.list_bots(filters=travels)["botSummaries"]] == [BOT]


def test_the_slash_at_the_end_may_be_left_out(ask: Client) -> None:
    for path in ("/bots/", "/bots"):
        assert ask.post(path, {}).body == {"botSummaries": []}


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"maxResults": 1001}, "maxResults: expected int <= 1000"),
        ({"filters": [{"name": "BotId", "operator": "EQ", "values": ["x"]}]}, "there are BotName, BotType"),
        ({"filters": [{"name": "BotName", "operator": "GT", "values": ["x"]}]}, "there are CO, EQ, NE"),
        ({"sortBy": {"attribute": "BotId", "order": "Ascending"}}, "there are BotName"),
        ({"nextToken": "garbage"}, "nextToken: this server did not issue this token"),
    ],
)
def test_the_sdk_raises_what_lex_would(api: str, asked: dict[str, Any], message: str) -> None:
    with sdk("lexv2-models", api) as lex:
        with pytest.raises(lex.exceptions.ValidationException) as raised:
            lex.list_bots(**asked)
        assert message in raised.value.response["Error"]["Message"]


def test_a_key_is_shown_its_own_bots_and_needs_the_right_to_list(with_tables: Settings, tmp_path: Path) -> None:
    insert(with_tables, conversation(1), conversation(2, bot_id=OTHER_BOT))
    with asking_for_keys(with_tables, tmp_path / "keys.json") as guarded:
        narrow = guarded.give(signing(bots=(BOT,), rights=(Right.LIST,)))
        assert [bot["botId"] for bot in guarded.sdk(narrow).list_bots()["botSummaries"]] == [BOT]
        blind = guarded.give(signing(bots=(BOT,), rights=(Right.TRANSCRIPTS,)))
        with denied("AccessDeniedException"):
            guarded.sdk(blind).list_bots()
