"""The screen of one conversation: all of it, searchable, and hostile texts as nothing but text."""

import orjson
import pytest
from playwright.sync_api import Page, expect

from tests.integration.console.conftest import DEMO
from tests.integration.console.hostile import BOT, LONG, MANY, MANY_SESSION, SESSION, TEXTS


def opened(page: Page, bot: str, session: str) -> None:
    """Go to the first conversation of a session, through the list."""
    page.goto(f"/console/bots/{bot}/sessions?last=7d")
    page.locator(f"tr[data-session={orjson.dumps(session).decode()}] a").first.click()


def test_the_whole_talk_is_shown_with_what_the_machine_thought(page: Page) -> None:
    page.goto(f"/console/bots/{DEMO}/sessions?last=7d&ConversationEndState=Success")
    page.locator("tr[data-session] a").first.click()
    expect(page.locator("h1")).not_to_be_empty()
    turns = page.locator("li.turn")
    expect(turns).to_have_count(int(page.locator("[data-metric=TurnsPerConversation]").get_attribute("value") or 0))
    expect(page.locator(".rule")).to_contain_text("closed as")
    expect(turns.last.locator(".thought")).to_contain_text("Close")
    turns.first.get_by_text("raw entry").click()
    expect(turns.first.locator("pre")).to_contain_text('"messageVersion": "2.0"')
    expect(page.get_by_role("heading", name="Other conversations of this session")).to_be_visible()


def test_long_conversations_have_pages_and_each_entry_is_reachable(plain: Page) -> None:
    opened(plain, BOT, MANY_SESSION)
    found = []
    while True:
        found += plain.locator("li.turn").evaluate_all("all => all.map(each => each.dataset.request)")
        if not plain.get_by_role("link", name="next").count():
            break
        plain.get_by_role("link", name="next").first.click()
    assert found == [f"talk-request-{number:04d}" for number in range(MANY)]


def test_a_search_finds_entries_on_every_page(page: Page) -> None:
    opened(page, BOT, MANY_SESSION)
    page.get_by_role("searchbox").fill("NUMBER 44")
    page.get_by_role("button", name="Find").click()
    expect(page.get_by_role("status").filter(has_text="11 entries have it")).to_be_visible()
    page.get_by_role("list", name="Entries found").get_by_role("link").last.click()
    expect(page.locator("#entry-450 mark").first).to_have_text("number 44")
    expect(page.locator("#entry-450")).to_be_in_viewport()


def test_hostile_texts_are_text(page: Page) -> None:
    opened(page, BOT, SESSION)
    expect(page).to_have_title(f"conversation of {SESSION} · turnfold")
    expect(page.locator("main script, main img, main svg")).to_have_count(0)
    for text in TEXTS[:1] + TEXTS[2:3]:
        expect(page.locator("dd.user").filter(has_text=text)).to_have_count(1)
    expect(page.locator("dd.user .odd").first).to_have_text("\u27e8U+202E\u27e9")
    assert "\u202e" not in page.content()
    folded = page.locator("dd.user details.fold")
    expect(folded).to_contain_text("100,012 characters".replace(",", "\u202f"))
    folded.locator("summary").click()
    assert len(folded.inner_text()) > len(LONG)
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]  # type: ignore[index]


def test_hostile_names_are_text_in_lists_too(page: Page) -> None:
    page.goto(f"/console/bots/{BOT}/sessions")
    expect(page.locator("tbody script, tbody img, tbody svg")).to_have_count(0)
    expect(page.locator("tbody tr").first).to_contain_text("Book</title><script>")
    page.locator("summary", has_text="channel").click()
    page.get_by_label("<svg onload=alert(1)>").check()
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("tbody tr")).to_have_count(2)


@pytest.mark.parametrize("address", ["nobody/nothing", "%00/x", "..%2f/x", "%ff/x"])
def test_a_conversation_that_is_not_there_is_said(plain: Page, address: str) -> None:
    answer = plain.goto(f"/console/bots/{DEMO}/sessions/{address}")
    assert answer
    assert answer.status in {400, 404}
    expect(plain.locator("h1")).to_be_visible()


def test_the_file_of_a_talk_has_every_line(page: Page) -> None:
    opened(page, BOT, MANY_SESSION)
    with page.expect_download() as downloading:
        page.get_by_role("link", name="JSON").click()
    lines = orjson.loads(downloading.value.path().read_bytes())
    assert [line["text"] for line in lines if line["who"] == "user"] == [f"message number {n}" for n in range(MANY)]
