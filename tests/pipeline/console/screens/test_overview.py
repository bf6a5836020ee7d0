"""The overview paints what one question answers; slower parts come by themselves, and one that fails is told."""

import re

from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from tests.pipeline.console.site import OVERVIEW, console, insert
from tests.pipeline.query.rows import NOW, conversation

HOUR = 3_600_000


def test_parts_are_fragments_of_their_own(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(n, start=NOW - n * HOUR, end=NOW - n * HOUR) for n in range(1, 5)])
    for part in ("tiles", "missed", "timeline", "heat", "channel", "locale", "version"):
        text = site.get(f"{OVERVIEW}?last=24h&part={part}").text
        assert "<html" not in text, part
        assert "failed" not in text, part
    timeline = site.get(f"{OVERVIEW}?last=24h&part=timeline").text
    assert re.findall(r'<tr data-bin="(\d+)"', timeline) == [
        str((NOW - n * HOUR) // HOUR * 3_600) for n in range(4, 0, -1)
    ]


def test_changes_are_against_the_span_before(site: TestClient, with_tables: Settings) -> None:
    rows = [conversation(n, start=NOW - n * HOUR, end=NOW - n * HOUR) for n in (1, 2, 3, 30)]
    insert(with_tables, rows=rows)
    text = site.get(f"{OVERVIEW}?last=24h&part=tiles").text
    assert "+200" in text
    assert "as before" in text


def test_shares_are_not_compared_with_those_of_nothing(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(start=NOW - HOUR, end=NOW - HOUR, end_state="Success")])
    text = site.get(f"{OVERVIEW}?last=24h&part=tiles").text
    assert '<data value="1.0" data-metric="Success" data-statistic="Avg">' in text
    assert "points" not in text
    assert text.count("none before") == 4


def test_hours_are_in_the_chosen_zone(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(start=NOW - HOUR, end=NOW - HOUR)])
    text = site.get(f"{OVERVIEW}?zone=Asia/Tokyo&part=heat").text
    assert "in Asia/Tokyo" in text
    assert "<title>Fri 04:00: 1</title>" in text


def test_rows_of_an_earlier_version_are_told_where_they_matter(with_tables: Settings) -> None:
    """Utterances need what `turnfold rebuild` writes; conversations are counted anyway."""
    insert(with_tables, rows=[conversation(fold=0)])
    with console(with_tables) as site:
        text = site.get(f"{OVERVIEW}?wait=yes").text
    assert "turnfold rebuild" in text
    assert '<data value="1.0" data-metric="Count" data-statistic="Sum">1</data>' in text


def test_small_tables_name_what_has_no_value(site: TestClient, with_tables: Settings) -> None:
    insert(with_tables, rows=[conversation(n, channel="Slack" if n else "") for n in range(3)])
    text = site.get(f"{OVERVIEW}?part=channel").text
    assert re.findall(r'<tr data-value="([^"]*)"', text) == ["Slack"]
    assert "none named" in text
