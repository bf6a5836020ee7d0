"""AWS's SDK for JavaScript, in Node and under a browser's rules, with nothing changed but the endpoint."""

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.clients.tools import run, with_packages
from tests.pipeline.http.operations.test_list_sessions import insert as insert_rows
from tests.pipeline.http.runtime import insert as insert_turns
from tests.pipeline.http.serving import serving
from tests.pipeline.query.rows import BOT, conversation
from tests.pipeline.query.session_entries import ALIAS, USER, v2

OURS, OTHERS = "http://console.example.com", "http://other.example.com"


@pytest.fixture
def sdk() -> Path:
    """The folder of programs."""
    return with_packages("aws_sdk_js")


@pytest.fixture
def url(with_tables: Settings) -> Iterator[str]:
    """A query layer with something to find, that pages of OURS may read."""
    insert_rows(with_tables, *(conversation(number, session_id=f"session-{number}") for number in range(5)))
    insert_turns(with_tables, v2())
    open_to = msgspec.structs.replace(with_tables, api_origins=(OURS,), idle_ttl=10.0**9)
    with serving(create_app(open_to)) as address:
        yield address


def test_all_pages_are_listed_and_a_session_is_found_over_http_1(sdk: Path, url: str) -> None:
    printed = json.loads(run(["node", "program.mjs", url, BOT, ALIAS, USER], sdk))
    assert sorted(printed["sessions"]) == [f"session-{number}" for number in range(5)]
    assert printed["intent"] == "BookHotel"


def test_a_page_lists_conversations(sdk: Path, url: str) -> None:
    printed = json.loads(run(["node", "browser.mjs", url, OURS, BOT], sdk))
    assert sorted(printed.get("sessions", printed)) == [f"session-{number}" for number in range(5)]


def test_a_page_of_another_origin_reads_nothing(sdk: Path, url: str) -> None:
    printed = json.loads(run(["node", "browser.mjs", url, OTHERS, BOT], sdk))
    assert "Cross-Origin" in printed["error"]
