"""`turnfold watch` shows each conversation when it appears and when it has ended, until Ctrl-C."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterator

import msgspec
import orjson
import pytest

from agents.cli.commands.query import watch
from agents.cli.commands.query.watch import SessionWatcher
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.store.connection.client import connection
from schemas.conversation import Conversation
from tests.agents.cli.command import WITHIN, start, turnfold
from tests.pipeline.http.serving import serving

BOT = "BOTAAAAAA1"
Insert = Callable[..., None]


def conversation(number: int, end_state: str = "", version: int = 1, locale: str = "en_US") -> Conversation:
    """A conversation that began some seconds ago."""
    begin = int(time.time()) * 1000 - 100_000 + number
    return Conversation(
        bot_id=BOT,
        start=begin,
        session_id=f"guest-{number}",
        originating_request_id=f"r{number}",
        end=begin + 1000,
        duration_seconds=1,
        turns=version,
        mode="Text",
        channel="Slack",
        bot_alias_id="TSTALIASID",
        bot_version="1",
        locale_id=locale,
        intents=("BookHotel",),
        intent_path="/BookHotel",
        end_state=end_state,
        version=version,
    )


async def insert(settings: Settings, rows: list[Conversation]) -> None:
    async with connection(settings) as clickhouse:
        await clickhouse.insert("conversations", rows)


@pytest.fixture
def api(with_tables: Settings) -> Iterator[Settings]:
    with serving(create_app(with_tables)) as url:
        yield msgspec.structs.replace(with_tables, api=url)


def test_a_conversation_is_shown_when_it_appears_and_when_it_has_ended(api: Settings) -> None:
    watcher = SessionWatcher(api, BOT, {}, time.time() - 300)
    assert watcher.poll() == []
    first = conversation(1)
    asyncio.run(insert(api, [first, conversation(2)]))
    assert [session.session_id for session in watcher.poll()] == ["guest-1", "guest-2"]
    assert watcher.poll() == []
    more = msgspec.structs.replace(first, turns=2, version=2)
    asyncio.run(insert(api, [more]))
    assert watcher.poll() == []
    asyncio.run(insert(api, [msgspec.structs.replace(more, end_state="Success", version=3)]))
    (ended,) = watcher.poll()
    assert (ended.session_id, ended.conversation_end_state) == ("guest-1", "Success")


def test_more_than_a_page_of_new_conversations_is_read_to_the_known_ones(
    api: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PAGE", 2)
    watcher = SessionWatcher(api, BOT, {}, time.time() - 300)
    asyncio.run(insert(api, [conversation(0)]))
    assert len(watcher.poll()) == 1
    asyncio.run(insert(api, [conversation(number) for number in range(1, 8)]))
    assert [session.session_id for session in watcher.poll()] == [f"guest-{number}" for number in range(1, 8)]


def test_it_shows_lines_of_json_that_match_the_filters_and_ends_with_ctrl_c(api: Settings) -> None:
    asyncio.run(insert(api, [conversation(1), conversation(2, locale="en_GB")]))
    process = start(api, "watch", BOT, "--filter", "LocaleId=en_GB", "--format", "json", "--every", "0.2")
    assert process.stdout
    assert orjson.loads(process.stdout.readline())["sessionId"] == "guest-2"
    asyncio.run(insert(api, [conversation(3, "Failure", locale="en_GB")]))
    assert orjson.loads(process.stdout.readline())["conversationEndState"] == "Failure"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WITHIN)
    assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize(
    ("bot", "hint"),
    [
        ("Nobody", b"no conversation is of a bot Nobody: `turnfold bots` lists all bots\n"),
        (BOT.lower(), b"give the id\n"),
    ],
)
def test_a_bot_that_is_unknown_is_told_before_one_waits_for_it(api: Settings, bot: str, hint: bytes) -> None:
    asyncio.run(insert(api, [conversation(1)]))
    process = start(api, "watch", bot, "--every", "0.2")
    assert process.stderr
    assert process.stderr.readline().startswith(b"watching ")
    assert process.stderr.readline().endswith(hint)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WITHIN)


def test_a_line_has_the_columns_that_matter_and_nothing_that_a_terminal_obeys(api: Settings) -> None:
    hostile = msgspec.structs.replace(conversation(1), session_id="\x1b[2Jguest")
    asyncio.run(insert(api, [hostile]))
    process = start(api, "watch", BOT, "--every", "0.2")
    assert process.stdout
    line = process.stdout.readline().decode()
    assert "\x1b" not in line
    assert "1 turn" in line
    assert "open" in line
    assert "BookHotel" in line
    assert line.rstrip().endswith("guest")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WITHIN)
    assert process.returncode == 0


def test_a_query_layer_that_is_away_is_told_once_and_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    watcher = SessionWatcher(Settings(api="http://127.0.0.1:1"), BOT, {}, time.time() - 300)

    count = iter(range(3))

    def poll() -> list[object]:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return SessionWatcher.poll(watcher)  # type: ignore[return-value] # the list is empty

    watcher.poll = poll  # type: ignore[assignment, method-assign] # ends the endless loop
    with pytest.raises(KeyboardInterrupt):
        next(watcher.sessions(0.0))
    assert capsys.readouterr().err.count("does not answer") == 1


@pytest.mark.parametrize("option", ["--every=0", "--format=csv", "--last=never", "--filter=Nothing=1"])
def test_an_option_that_cannot_be_used_is_refused(option: str) -> None:
    assert turnfold(Settings(), "watch", BOT, option).status == 2
