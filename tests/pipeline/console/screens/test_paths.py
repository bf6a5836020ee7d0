"""Paths: levels along the path in the URL, and along the most frequent one from there."""

import html
import re

import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.screens.paths import MAX_LEVELS
from tests.pipeline.console.site import PATHS, insert
from tests.pipeline.query.rows import conversation

WAYS = ["/A", "/A", "/A/B", "/A/B/C", "/A/B/C/D", "/E"]


@pytest.fixture
def filled(site: TestClient, with_tables: Settings) -> TestClient:
    insert(with_tables, rows=[conversation(n, intent_path=path) for n, path in enumerate(WAYS)])
    return site


def shown(site: TestClient, query: str = "") -> list[str]:
    text = site.get(f"{PATHS}?{query}&part=flow").text
    return re.findall(r'<tr data-path="([^"]*)"', text)


def test_the_most_frequent_path_is_opened(filled: TestClient) -> None:
    assert shown(filled) == ["/A", "/A/B", "/A/B/C", "/E"]


def test_the_path_of_the_address_is_opened(filled: TestClient) -> None:
    assert shown(filled, "path=/A/B/C") == ["/A", "/A/B", "/A/B/C", "/A/B/C/D", "/E"]
    assert shown(filled, "path=/E") == ["/A", "/E"]


def test_each_path_leads_to_its_sessions(filled: TestClient) -> None:
    """As many as it tells: those that ended there, and those that went on."""
    text = filled.get(f"{PATHS}?part=flow").text
    rows = re.findall(r'<tr data-path="([^"]*)".*?<a href="(sessions[^"]*)">(\d+)</a>', text, re.DOTALL)
    assert {path: int(count) for path, _, count in rows} == {"/A": 5, "/A/B": 3, "/A/B/C": 2, "/E": 1}
    for _, link, count in rows:
        listed = filled.get(f"{PATHS.removesuffix('paths')}{html.unescape(link)}").text
        assert len(re.findall("<tr[^>]* data-request=", listed)) == int(count)


def test_a_long_path_shows_its_last_levels(site: TestClient, with_tables: Settings) -> None:
    names = "ABCDEFGHIJ"
    insert(with_tables, rows=[conversation(intent_path="".join(f"/{name}" for name in names))])
    path = "".join(f"/{name}" for name in names[:-1])
    assert len(shown(site, f"path={path}")) == MAX_LEVELS


def test_what_is_no_path_is_refused(site: TestClient) -> None:
    answer = site.get(f"{PATHS}?path=A&wait=yes")
    assert "intentPath" in answer.text
    assert "<h1>Paths</h1>" in answer.text


def test_a_file_has_the_levels_that_the_page_shows(filled: TestClient) -> None:
    lines = filled.get(f"{PATHS}?download=csv").text.splitlines()
    assert lines[:3] == ["path,conversations,ended", "/A,5,2", "/A/B,3,1"]
