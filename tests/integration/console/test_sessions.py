"""The sessions screen in a real browser: filters, sorts, paging to the end, back and forward, what came since."""

import re
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
from playwright.sync_api import Page, expect

from tests.integration.console.conftest import DEMO
from tests.integration.console.hostile import entry
from tests.integration.stack import Stack

SESSIONS = f"/console/bots/{DEMO}/sessions"


def listed(stack: Stack, **more: Any) -> list[dict[str, Any]]:
    """All sessions of the last week, as the API lists them."""
    now = datetime.now(UTC)
    asked = {"botId": DEMO, "startDateTime": int(now.timestamp()) - 7 * 86_400, "endDateTime": now, "maxResults": 1000}
    found: list[dict[str, Any]] = stack.client().list_session_analytics_data(**asked, **more)["sessions"]
    return found


def rows(page: Page) -> list[str]:
    """The requests of the rows, in order."""
    return [row.get_attribute("data-request") or "" for row in page.locator("tr[data-request]").all()]


def test_more_appends_until_the_end_in_the_order_of_the_api(page: Page, stack: Stack) -> None:
    page.goto(SESSIONS)
    expected = [each["originatingRequestId"] for each in listed(stack)]
    assert rows(page) == expected[:50]
    count = page.locator('data[data-metric="Count"]')
    expect(count).to_have_attribute("value", str(len(expected)))
    shown = 50
    while page.get_by_role("link", name="more", exact=True).count():
        page.get_by_role("link", name="more", exact=True).click()
        shown = min(shown + 50, len(expected))
        expect(page.locator("tr[data-request]")).to_have_count(shown)
    assert rows(page) == expected
    expect(page.locator("#more")).to_contain_text(f"all {shown} shown")


def test_without_javascript_pages_follow_one_another_to_the_end(plain: Page, stack: Stack) -> None:
    plain.goto(SESSIONS)
    found = rows(plain)
    while plain.get_by_role("link", name="more", exact=True).count():
        plain.get_by_role("link", name="more", exact=True).click()
        found += rows(plain)
    assert found == [each["originatingRequestId"] for each in listed(stack)]


def test_filters_are_chosen_without_javascript_and_stand_in_the_address(plain: Page, stack: Stack) -> None:
    plain.goto(SESSIONS)
    plain.locator("summary", has_text="locale").click()
    plain.get_by_label("en_GB").check()
    plain.get_by_label("en_US").check()
    plain.locator("summary", has_text="more").click()
    plain.get_by_label("lasted longer than").fill("20")
    plain.get_by_role("button", name="Apply").click()
    query = parse_qs(urlsplit(plain.url).query)
    assert query == {"last": ["7d"], "LocaleId": ["en_GB", "en_US"], "Duration": ["GT 20"]}
    filters = [
        {"name": "LocaleId", "operator": "EQ", "values": ["en_GB", "en_US"]},
        {"name": "Duration", "operator": "GT", "values": ["20"]},
    ]
    expected = [each["originatingRequestId"] for each in listed(stack, filters=filters)]
    assert len(expected) > 0
    assert rows(plain) == expected[:50]
    expect(plain.get_by_role("list", name="Filters in force")).to_contain_text("lasted more than 20")
    plain.get_by_role("link", name="Remove: lasted more than 20").click()
    assert parse_qs(urlsplit(plain.url).query) == {"last": ["7d"], "LocaleId": ["en_GB", "en_US"]}


def test_conversations_are_found_by_what_was_said_in_them(plain: Page, stack: Stack) -> None:
    plain.goto(SESSIONS)
    plain.locator("summary", has_text="more").click()
    plain.get_by_label("text said").fill("by the sea")
    plain.get_by_role("button", name="Apply").click()
    assert parse_qs(urlsplit(plain.url).query) == {"last": ["7d"], "UtteranceText": ["CO by the sea"]}
    by_text = {"name": "UtteranceText", "operator": "CO", "values": ["by the sea"]}
    expected = [each["originatingRequestId"] for each in listed(stack, filters=[by_text])]
    assert 0 < len(expected) < len(listed(stack))
    assert rows(plain) == expected[:50]
    plain.locator("tr[data-request] a").first.click()
    expect(plain.locator("main")).to_contain_text("by the sea")


def test_heads_sort_and_back_returns(page: Page, stack: Stack) -> None:
    page.goto(SESSIONS)
    newest = rows(page)
    page.get_by_role("link", name="lasted").click()
    expect(page.locator('th[aria-sort="descending"]')).to_have_text(re.compile("lasted"))
    by_duration = {"name": "Duration", "order": "Descending"}
    assert rows(page) == [each["originatingRequestId"] for each in listed(stack, sortBy=by_duration)][:50]
    page.get_by_role("link", name="lasted").click()
    expect(page.locator('th[aria-sort="ascending"]')).to_have_text(re.compile("lasted"))
    page.go_back()
    page.go_back()
    assert rows(page) == newest
    page.go_forward()
    assert rows(page) != newest


def test_a_span_of_two_instants_in_the_readers_zone(page: Page) -> None:
    page.goto(f"{SESSIONS}?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&zone=Asia/Tokyo")
    page.locator("summary", has_text="between").click()
    expect(page.get_by_label("from", exact=True)).to_have_value("2026-01-01T09:00")
    page.get_by_label("to", exact=True).fill("2026-01-01T18:00:00")
    page.get_by_role("button", name="Apply").click()
    query = parse_qs(urlsplit(page.url).query)
    assert (query["from"], query["to"]) == (["2026-01-01T00:00:00Z"], ["2026-01-01T09:00:00Z"])
    expect(page.locator("main")).to_contain_text("No conversation began and ended in this span")


def test_a_time_that_is_set_makes_the_span_one_between_two_instants(page: Page) -> None:
    page.goto(SESSIONS)
    page.locator("summary", has_text="last 7 days").click()
    page.get_by_label("from", exact=True).fill("2026-01-01T01:00:00")
    page.get_by_role("button", name="Apply").click()
    page.wait_for_url("**from=*")
    assert parse_qs(urlsplit(page.url).query) == {"from": ["2026-01-01T00:00:00Z"]}


def test_times_are_in_the_readers_zone_with_utc_beside(page: Page) -> None:
    page.goto(SESSIONS)
    time_element = page.locator("tr time").first
    utc = datetime.fromisoformat(time_element.get_attribute("datetime") or "")
    shown = page.evaluate("text => new Date(text).toLocaleTimeString('en-GB')", utc.isoformat())
    expect(time_element).to_have_text(shown)
    assert (time_element.get_attribute("title") or "").endswith("UTC")


def test_what_came_since_is_told_without_moving_rows(page: Page, stack: Stack) -> None:
    page.goto("/console/bots/LATERBOT01/sessions?last=1h")
    expect(page.locator("main")).to_contain_text("No conversation")
    time.sleep(1.1)  # after the second in which the page's span ends
    late = entry(datetime.now(UTC), "late", 0, "hello")
    late["bot"]["id"] = "LATERBOT01"
    assert stack.turnfold("ingest", "-", data=orjson.dumps(late)).returncode == 0
    link = page.get_by_role("link", name="1 newer")
    expect(link).to_be_visible(timeout=30_000)
    link.click()
    expect(page.locator("tr[data-session=late]")).to_have_count(1)


def test_downloads_have_every_row_whatever_the_page_shows(page: Page, stack: Stack) -> None:
    page.goto(f"{SESSIONS}?last=7d&sort=NumberOfTurns&order=Ascending")
    expected = [
        each["originatingRequestId"] for each in listed(stack, sortBy={"name": "NumberOfTurns", "order": "Ascending"})
    ]
    with page.expect_download() as downloading:
        page.get_by_role("link", name="JSON").click()
    rows_of_file = orjson.loads(downloading.value.path().read_bytes())
    assert [row["originatingRequestId"] for row in rows_of_file] == expected
    with page.expect_download() as downloading:
        page.get_by_role("link", name="CSV").click()
    assert len(downloading.value.path().read_text().splitlines()) == len(expected) + 1
