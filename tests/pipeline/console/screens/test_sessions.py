"""Fragments of the sessions screen, and what it says of itself to scripts."""

import re

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.url_state.span import iso
from tests.pipeline.console.site import SESSIONS, SPAN, console, insert
from tests.pipeline.query.rows import NOW, conversation

ROWS = [conversation(n, start=NOW - 86_400_000 - 1000 * n, end=NOW - 86_000_000) for n in range(120)]


def requests(text: str) -> list[str]:
    return re.findall(r'<tr [^>]*data-request="([^"]*)"', text)


def test_the_part_of_rows_has_the_table_and_the_link_to_more(with_tables: Settings) -> None:
    insert(with_tables, rows=ROWS)
    with console(with_tables) as site:
        found: list[str] = []
        address = f"{SESSIONS}?last=30d"
        while address:
            text = site.get(f"{address}&part=rows").text
            assert "<html" not in text
            found += requests(text)
            more = re.search(r'href="([^"]*)" data-more', text)
            address = f"{SESSIONS}{more[1].replace('&amp;', '&')}" if more else ""
    assert found == [f"request-{n}" for n in range(120)]


def test_the_part_of_the_count_says_it_to_scripts(with_tables: Settings) -> None:
    insert(with_tables, rows=ROWS)
    with console(with_tables) as site:
        text = site.get(f"{SESSIONS}?last=30d&part=count").text
    assert '<data value="120" data-metric="Count" data-statistic="Sum">120</data>' in text


def test_newer_counts_what_began_since(with_tables: Settings) -> None:
    insert(with_tables, rows=ROWS)
    with console(with_tables) as site:
        assert ">100 newer</a>" in site.get(f"{SESSIONS}?last=7d&to={iso(NOW // 1000 - 86_500)}&part=newer").text
        assert site.get(f"{SESSIONS}?last=7d&to={iso(NOW // 1000)}&part=newer").text.strip() == ""


def test_a_sorted_column_says_so_and_its_link_turns_it(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=ROWS[:1])
    text = site.get(SESSIONS, params={**SPAN, "sort": "Duration", "order": "Descending"}).text
    assert len(re.findall("aria-sort", text)) == 1
    assert re.search(r'aria-sort="descending"><a href="[^"]*sort=Duration&amp;order=Ascending"', text)


def test_a_page_without_rows_says_what_to_do(site: TestClient) -> None:
    text = site.get(f"{SESSIONS}?Channel=nowhere").text
    assert "fits all filters" in text
    assert "Remove the filters" in text


def test_the_page_is_light(with_tables: Settings) -> None:
    insert(with_tables, rows=ROWS)
    with console(with_tables) as site, site.stream("GET", f"{SESSIONS}?last=30d") as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert sum(map(len, answer.iter_raw())) < 100_000 / 4
