"""The screen of one conversation: its size, its numbers, and entries that are too long for it."""

import re

import msgspec
import orjson
import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.screens.session import TURNS, end_rule
from schemas.lex.analytics.list_sessions import SessionSpecification
from schemas.turn import Turn
from tests.events import turn
from tests.pipeline.console.site import SESSIONS, console, insert
from tests.pipeline.query.rows import NOW, conversation
from tests.pipeline.query.session_entries import USER, Entry, archived, v2

SESSION = f"{SESSIONS}/{USER}/origin-1"
ROW = conversation(session_id=USER, originating_request_id="origin-1")


def fill(settings: Settings, *entries: Entry) -> None:
    insert(settings, rows=[ROW], turns=[archived(entry) for entry in entries])


def test_a_page_of_two_hundred_entries_is_light(with_tables: Settings) -> None:
    fill(with_tables, *(v2(n, inputTranscript=f"{n} is what the user said, {n * 7919}") for n in range(1, TURNS + 50)))
    with console(with_tables) as site, site.stream("GET", SESSION) as answer:
        assert sum(map(len, answer.iter_raw())) < 100_000
        assert answer.status_code == 200


def test_facts_are_numbers_for_scripts(with_tables: Settings) -> None:
    fill(with_tables, v2())
    with console(with_tables) as site:
        text = site.get(SESSION).text
    assert '<data value="60" data-metric="Duration" data-statistic="Sum">1:00</data>' in text
    assert '<data value="3" data-metric="TurnsPerConversation" data-statistic="Sum">3</data>' in text


def test_a_long_entry_is_a_file(with_tables: Settings) -> None:
    fill(with_tables, long := v2(inputTranscript="x" * 50_000))
    with console(with_tables) as site:
        text = site.get(SESSION).text
        assert "<summary>raw entry" not in text
        link = re.search(r'href="(\?raw=\d+)" download>raw entry, 49', text)
        assert link
        answer = site.get(f"{SESSION}{link[1]}")
    assert orjson.loads(answer.content) == long
    assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("query", ["entry=0", "entry=x", "entry=-1", "entry=99999999999999", "raw=0", "entry=²"])
def test_what_is_no_number_of_an_entry_is_refused(site: TestClient, with_tables: Settings, query: str) -> None:
    fill(with_tables, v2())
    assert site.get(f"{SESSION}?{query}").status_code == 400


def test_beyond_the_last_entry_the_way_back_is_shown(site: TestClient, with_tables: Settings) -> None:
    fill(with_tables, v2())
    assert "Go to the first" in site.get(f"{SESSION}?entry=999").text
    assert site.get(f"{SESSION}?raw=999").status_code == 404


def test_a_conversation_whose_events_have_expired_is_said(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[ROW])
    assert "TURNFOLD_ARCHIVE_DAYS" in site.get(SESSION).text


def test_other_conversations_of_the_session_are_linked(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[ROW, conversation(1, session_id=USER, start=NOW - 9_000_000)], turns=[archived(v2())])
    text = site.get(f"{SESSION}?part=others").text
    assert re.findall('data-request="([^"]*)"', text) == ["request-1"]


SETTINGS = Settings(idle_ttl=300.0)
FACTS = SessionSpecification("", "", "", "", 0.0, 0.0, 0, 0, (), "")


@pytest.mark.parametrize(
    ("state", "last", "words"),
    [
        ("Success", turn(intent_name="BookHotel", intent_state="Fulfilled"), "BookHotel, closed as Fulfilled"),
        ("Failure", turn(intent_name="BookHotel", intent_state="Failed"), "BookHotel, closed as Failed"),
        (
            "Failure",
            turn(intent_name="FallbackIntent"),
            "nothing else was recognised",
        ),
        ("Dropped", turn(intent_name="BookHotel", intent_state="InProgress"), "not finished (InProgress)"),
        ("Dropped", None, "no intent was recognised, and nothing followed for 300 s"),
        ("", turn(intent_name="BookHotel"), "fewer than 300 s"),
    ],
)
def test_the_rule_is_told(state: str, last: Turn | None, words: str) -> None:
    facts = msgspec.structs.replace(FACTS, conversation_end_state=state or msgspec.UNSET)
    told = end_rule(last, facts, SETTINGS)
    assert words in told
    assert told.startswith(state or "Open")
