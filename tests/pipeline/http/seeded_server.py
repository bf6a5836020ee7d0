"""Bots of one name, with the same users, and keys for all, for one and for none of them.

Every value of theirs says whose it is, so that it is found wherever it turns up.
"""

import asyncio
import re
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.store.schema.migrate import migrate
from schemas.access_key import Right
from schemas.conversation import Conversation
from schemas.lex.log_entry import bot_id
from tests import services
from tests.events import iso
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.operations.test_list_sessions import insert as insert_rows
from tests.pipeline.http.runtime import insert as insert_turns
from tests.pipeline.http.serving import SESSIONS, WINDOW, client, serving
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation
from tests.pipeline.query.session_entries import ALIAS, ALIAS_NAME, BOT_NAME, USER, Entry, scalar, v1, v2

OURS, THEIRS = "ours", "theirs"
V1_BOT = bot_id(BOT_NAME)
"""Of the same name, and of Lex V1, so that its id follows from the name: theirs, too."""
ASKING = (Right.LIST, Right.SESSIONS, Right.TRANSCRIPTS)
OFTEN: dict[str, Any] = {"rate": 1_000_000.0, "concurrent": 1000}
PARAMETERS = {
    "botName": BOT_NAME,
    "botAlias": ALIAS_NAME,
    "userId": USER,
    "botId": BOT,
    "botAliasId": ALIAS,
    "localeId": "en_US",
    "sessionId": USER,
}
"""Of every path: what leads to a session of ours, and of theirs where nobody looks whose it is."""
INSIDE = re.compile(rb"Traceback|\.py\b|\bSELECT\b|\bFROM\b|DB::|Code: \d|site-packages")
"""What only the log may say: where a fault is, what ClickHouse was asked, what it said."""


@dataclass(frozen=True)
class Planted:
    """A query layer that asks for keys.

    Attributes:
        url: where it is.
        tokens: `all` may see all bots, `narrow` ours alone; `nobody` is not there.
        page: the token of the next page of their list, as `all` was given it.
        rows: the conversations of ours.
        secrets: what no answer may hold: folders and tokens.
    """

    url: str
    tokens: Mapping[str, str]
    page: str
    rows: tuple[Conversation, ...]
    secrets: tuple[str, ...]

    def headers(self, who: str) -> dict[str, str]:
        """What this holder of a key sends."""
        return {"authorization": f"Bearer {self.tokens[who]}"} if who in self.tokens else {}

    def check(self, content: bytes, who: str) -> None:
        """An answer holds nothing of our inside, and nothing of theirs for who may not see it."""
        assert INSIDE.search(content) is None, content
        assert not any(secret.encode() in content for secret in self.secrets), content
        assert who == "all" or THEIRS.encode() not in content, content


@contextmanager
def planted(clickhouse: str, folder: Path, *more: Conversation) -> Iterator[Planted]:
    """The query layer over a database of its own, with `more` conversations of ours."""
    database = f"test_{uuid.uuid4().hex}"
    assert services.ask(clickhouse, f"CREATE DATABASE {database}").text == ""
    with served(Settings(clickhouse=clickhouse, clickhouse_database=database), folder, *more) as it:
        yield it
    assert services.ask(clickhouse, f"DROP DATABASE {database}").text == ""


@contextmanager
def served(settings: Settings, folder: Path, *more: Conversation) -> Iterator[Planted]:
    """The same over the database of the settings."""
    issued = {
        "all": bearing(**OFTEN),
        "narrow": bearing(**OFTEN, bots=(BOT,), rights=ASKING),
    }
    keys = kept(folder / "keys", *issued.values())
    settings = msgspec.structs.replace(settings, api_keys=str(keys), idle_ttl=1_000_000.0)
    asyncio.run(migrate(settings))
    ours = (*rows(OURS, BOT), *more)
    insert_rows(settings, *ours, *rows(THEIRS, OTHER_BOT), *rows(THEIRS, V1_BOT))
    now = round(time.time() * 1000)
    insert_turns(settings, *entries(OURS, BOT, now), *entries(THEIRS, OTHER_BOT, now + 500), *entries_of_v1(now + 1000))
    tokens = {who: one.credential for who, one in issued.items()}
    with serving(create_app(settings)) as url:
        yield Planted(url, tokens, first_page(url, tokens["all"]), ours, (str(folder), *tokens.values()))


def rows(whose: str, bot: str) -> list[Conversation]:
    """A dozen conversations, and one of the last hour."""
    recent = round(time.time() * 1000) - 1_800_000
    return [
        conversation(
            number,
            bot_id=bot,
            start=start,
            end=start + 60_000,
            session_id=f"{whose}-session-{number}",
            originating_request_id=f"{whose}-request-{number}",
            channel=f"{whose}-channel",
            bot_version=f"{whose}-version",
            intents=(f"{whose}Intent",),
            intent_path=f"/{whose}Intent",
            visit_intents=(f"{whose}Intent",),
            visit_levels=(1,),
            visit_states=("Success",),
            stage_intents=(f"{whose}Intent",),
            stage_names=(f"{whose}Slot",),
            stage_states=("Success",),
            stage_switched_to=("",),
            stage_retries=(0,),
            utterance_times=(start,),
            utterance_request_ids=(f"{whose}-request-{number}",),
            utterance_texts=(f"{whose} said {number}",),
            utterance_missed=(False,),
            utterance_intents=(f"{whose}Intent",),
            utterance_slots=("",),
        )
        for number, start in enumerate([NOW - 3_600_000] * 12 + [recent])
    ]


def entries(whose: str, bot: str, now: int) -> list[Entry]:
    """A session that is open, as the log of V2 has it."""
    slots = {"slots": {f"{whose}Slot": scalar(f"{whose}-city")}}
    state = {"sessionAttributes": {f"{whose}-attribute": f"{whose}-value"}}
    return [
        v2(
            intent=f"{whose}Intent{number}",
            timestamp=iso(now - 1000 * number),
            requestId=f"{whose}-request-{number}",
            conversation=f"{whose}-origin",
            bot={"id": bot, "version": f"{whose}-version"},
            intent_=slots,
            state=state,
            inputTranscript=f"{whose} said {number}",
            messages=[{"contentType": "PlainText", "content": f"{whose} reply {number}"}],
        )
        for number in range(3)
    ]


def entries_of_v1(now: int) -> list[Entry]:
    """One of Lex V1."""
    members: dict[str, Any] = {
        "inputTranscript": f"{THEIRS} said",
        "botResponse": f"{THEIRS} reply",
        "slots": {"City": f"{THEIRS}-city"},
    }
    return [v1(timestamp=iso(now), requestId=f"{THEIRS}-v1", sessionId=f"{THEIRS}-v1-origin", **members)]


def first_page(url: str, token: str) -> str:
    """The token that comes with the first page of their list."""
    with client(url) as ask:
        body = msgspec.json.encode(WINDOW | {"maxResults": 5})
        path = SESSIONS.replace(BOT, OTHER_BOT)
        answer = ask.ask("POST", path, body, {"authorization": f"Bearer {token}"})
    assert THEIRS in str(answer.body["sessions"])
    page: str = answer.body["nextToken"]
    return page
