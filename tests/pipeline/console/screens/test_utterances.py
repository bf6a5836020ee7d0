"""Utterances: their pages, their file, and where one was said."""

import re
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import UTTERANCES, insert
from tests.pipeline.query.rows import NOW, conversation
from tests.pipeline.query.session_entries import USER, archived, v2


def said(number: int, texts: tuple[str, ...], *, missed: bool) -> dict[str, Any]:
    """The columns of a conversation in which these texts were said."""
    return {
        "session_id": USER,
        "originating_request_id": f"origin-{number}",
        "start": NOW - 60_000,
        "end": NOW - 1_000,
        "utterance_times": tuple(NOW - 10_000 - n for n in range(len(texts))),
        "utterance_request_ids": tuple(f"request-{number}-{n}" for n in range(len(texts))),
        "utterance_texts": texts,
        "utterance_missed": (missed,) * len(texts),
        "utterance_intents": ("BookHotel",) * len(texts),
        "utterance_slots": ("",) * len(texts),
    }


@pytest.fixture
def filled(site: TestClient, with_tables: Settings) -> TestClient:
    understood = tuple(f"text {number:03d}" for number in range(150))
    rows = [said(1, understood, missed=False), said(2, ("what?",), missed=True)]
    insert(with_tables, rows=[conversation(**row) for row in rows])
    return site


def test_what_was_missed_comes_first_and_more_is_appended(filled: TestClient) -> None:
    found: list[str] = []
    address = f"{UTTERANCES}?last=7d"
    while address:
        text = filled.get(f"{address}&part=rows").text
        assert "<html" not in text
        found += re.findall(r'data-copy="([^"]*)"', text)
        more = re.search(r'href="([^"]*)" data-more', text)
        address = f"{UTTERANCES}{more[1].replace('&amp;', '&')}" if more else ""
    assert found == ["what?", *(f"text {number:03d}" for number in range(150))]


def test_the_file_has_all_of_them(filled: TestClient) -> None:
    rows = orjson.loads(filled.get(f"{UTTERANCES}?download=json").content)
    assert len(rows) == 151
    assert rows[0] == {
        "utterance": "what?", "missed": 1.0, "count": 1.0, "lastSeen": NOW / 1000 - 10, "lastUsedIntent": "BookHotel"
    }  # fmt: skip


def test_where_it_was_said_is_linked(site: TestClient, with_tables: Settings) -> None:
    entry = v2(10, inputTranscript="where?", conversation="origin-2", requestId="request-2-0")
    insert(with_tables, rows=[conversation(**said(2, ("where?",), missed=True))], turns=[archived(entry)])
    text = site.get(f"{UTTERANCES}?UtteranceText=CO+here&part=occurrences").text
    assert re.findall('data-session="([^"]*)"', text) == [USER]
    link = re.search(r'href="(sessions\?[^"]*)"', text)
    assert link
    listed = site.get(UTTERANCES.replace("utterances", link[1].replace("&amp;", "&"))).text
    assert 'data-request="origin-2"' in listed
