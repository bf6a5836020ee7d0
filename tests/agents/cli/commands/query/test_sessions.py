"""`turnfold sessions` lists conversations as the query layer returns them, page by page."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.store.connection.client import connection
from schemas.conversation import Conversation
from schemas.lex.log_entry import bot_id
from tests.agents.cli.command import Ended, turnfold
from tests.pipeline.http.serving import serving

START = 1_780_000_000_000
FROM_TO = ("--from", "2026-05-01", "--to", "2026-07-01")
COUNT = 25


def conversation(number: int, bot: str = "BOTAAAAAA1") -> Conversation:
    """They begin a second apart and last the longer, the later they begin."""
    start = START + 1000 * number
    return Conversation(
        bot_id=bot,
        start=start,
        session_id=f"guest-{number}",
        originating_request_id=f"r{number}",
        end=start + 10_000 * number,
        duration_seconds=10 * number,
        turns=1 + number % 5,
        mode="Text",
        channel="Slack",
        bot_alias_id="TSTALIASID",
        bot_version="1",
        locale_id=("en_US", "en_GB", "es_ES")[number % 3],
        intents=("BookHotel",),
        intent_path="/BookHotel",
        end_state=("Success", "Failure", "")[number % 3],
        version=1,
    )


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    """A query layer over conversations of a V2 and a V1 bot."""
    rows = [conversation(number) for number in range(COUNT)] + [conversation(0, bot_id("CornerFlorist"))]
    with serving(create_app(with_tables)) as url:
        asyncio.run(insert(with_tables, rows))
        yield msgspec.structs.replace(with_tables, api=url)


async def insert(settings: Settings, rows: list[Conversation]) -> None:
    async with connection(settings) as clickhouse:
        await clickhouse.insert("conversations", rows)


def ids(found: Ended) -> list[int]:
    assert (found.status, found.err) == (0, "")
    return [int(row["sessionId"].removeprefix("guest-")) for row in csv.DictReader(io.StringIO(found.out))]


def listed(api: Settings, *options: str) -> list[int]:
    """Numbers of the conversations that a command lists."""
    return ids(turnfold(api, "sessions", "BOTAAAAAA1", *FROM_TO, "--format", "csv", *options))


def test_newest_come_first_up_to_the_limit(api: Settings) -> None:
    assert listed(api, "--limit", "3") == [24, 23, 22]
    assert listed(api) == listed(api, "--all") == list(range(COUNT))[::-1]


def test_order_filters_and_window_are_what_was_asked_for(api: Settings) -> None:
    assert listed(api, "--order", "asc", "--limit", "2") == [0, 1]
    assert listed(api, "--sort", "NumberOfTurns", "--limit", "1") == [24]
    assert listed(api, "--filter", "Duration GT 200", "--sort", "Duration") == [24, 23, 22, 21]
    assert listed(api, "--filter", "LocaleId=en_GB", "--filter", "Duration<50") == [4, 1]
    assert listed(api, "--filter", "ConversationEndState=Success,Failure", "--limit", "3") == [24, 22, 21]
    assert listed(api, "--from", "2026-05-28T20:27:00") == [24, 23, 22, 21], "number 20 began then, not after"


def test_a_v1_bot_is_asked_for_by_its_name(api: Settings) -> None:
    assert ids(turnfold(api, "sessions", "CornerFlorist", *FROM_TO, "--format", "csv")) == [0]
    shown = turnfold(api, "sessions", "CornerFlorist", *FROM_TO)
    assert f"CornerFlorist ({bot_id('CornerFlorist')}), 2026-05-01 00:00 to 2026-07-01 00:00 UTC" in shown.out


def test_all_formats_show_the_same(api: Settings) -> None:
    said = json.loads(turnfold(api, "sessions", "BOTAAAAAA1", *FROM_TO, "--format", "json").out)
    assert [one["sessionId"] for one in said] == [f"guest-{number}" for number in listed(api)]
    shown = turnfold(api, "sessions", "BOTAAAAAA1", *FROM_TO).out.splitlines()
    assert [line.split()[-1] for line in shown[2:]] == [one["sessionId"] for one in said]


def test_what_bots_are_told_does_nothing_to_a_terminal_or_a_spreadsheet(api: Settings) -> None:
    evil = {
        "session_id": "\x1b]0;x\x07\x9b\u202e",
        "channel": "=1+1",
        "mode": "@SUM(A1);=1",
        "intents": ("\t=1", "[red]x"),
    }
    odd = msgspec.structs.replace(conversation(0, "EVILAAAAA1"), intent_path="/x", **evil)
    asyncio.run(insert(api, [odd]))
    for form in ("table", "csv", "json"):
        found = turnfold(api, "sessions", "EVILAAAAA1", *FROM_TO, "--format", form)
        assert found.status == 0
        assert all(each.isprintable() for each in found.out.splitlines())
    (told,) = json.loads(found.out)
    assert (told["sessionId"], told["channel"]) == (odd.session_id, "=1+1")
    (row,) = csv.DictReader(io.StringIO(turnfold(api, "sessions", "EVILAAAAA1", *FROM_TO, "--format", "csv").out))
    assert (row["channel"], row["mode"], row["invokedIntents"]) == ("'=1+1", "'@SUM(A1);=1", "\\t=1/[red]x")
    assert row["sessionId"] == "\\x1b]0;x\\x07\\x9b\\u202e"
    assert row["numberOfTurns"] == "1"


def test_a_table_that_was_cut_says_so(api: Settings) -> None:
    found = turnfold(api, "sessions", "BOTAAAAAA1", *FROM_TO, "--limit", "2")
    assert (found.status, found.err) == (0, "the first 2; --limit N or --all shows more\n")


def test_finding_nothing_is_no_error_and_says_what_may_help(api: Settings) -> None:
    found = turnfold(api, "sessions", "BOTAAAAAA1", "--last", "1s")
    assert found.status == 0
    assert found.err.startswith("no conversations; --last 30d covers more time")


@pytest.mark.parametrize(("bot", "said"), [
    ("NOSUCHBOT1", "no conversation is of a bot NOSUCHBOT1: `turnfold bots` lists all bots"),
    ("botaaaaaa1", "botaaaaaa1 is BOTAAAAAA1: give the id"),
])  # fmt: skip
def test_a_misspelt_bot_is_told(api: Settings, bot: str, said: str) -> None:
    found = turnfold(api, "sessions", bot, *FROM_TO)
    assert (found.status, found.err) == (0, f"no conversations; {said}\n")


@pytest.mark.parametrize(("options", "said"), [
    (("--filter", "Duration GT soon"), ": filters[0].values[0]: expected whole seconds"),
    (("--filter", "Place=here"), "unknown name Place"),
    (("--from", "tomorrow"), "is not a time"),
    (("--last", "1 day"), "is not a duration"),
    (("--sort", "Name"), "is not one of 'ConversationStartTime'"),
    (("--limit", "0"), "0 is not in the range"),
    (("--format", "xml"), "'xml' is not one of"),
    (("--all",) + ("--filter", "Duration GT 1") * 11, "filters"),
])  # fmt: skip
def test_asking_wrongly_is_told_by_the_command_or_the_server(
    api: Settings, options: tuple[str, ...], said: str
) -> None:
    found = turnfold(api, "sessions", "BOTAAAAAA1", *options)
    assert (found.status, found.out) == (2, "")
    assert said in found.err
