"""Everybody can use the console: no barrier that axe-core finds, by keyboard alone, on any width, in light and dark."""

from collections.abc import Sequence
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.effort import IN_SEARCH
from tests.integration.console.conftest import DEMO
from tests.integration.console.hostile import BOT, SESSION
from tests.integration.stack import Stack

BOTS = f"/console/bots/{DEMO}"
SCREENS = {
    "bots": "/console/",
    "sessions": f"{BOTS}/sessions",
    "sessions-filtered": f"{BOTS}/sessions?last=30d&LocaleId=es_ES&Channel=Slack&Duration=GT+40&sort=Duration",
    "sessions-none": f"{BOTS}/sessions?last=1h&Channel=nowhere",
    "overview": f"{BOTS}/overview",
    "intents": f"{BOTS}/intents",
    "intent": f"{BOTS}/intents/BookHotel",
    "paths": f"{BOTS}/paths",
    "utterances": f"{BOTS}/utterances?UtteranceText=CO+re",
    "compare": f"{BOTS}/compare",
    "error": f"{BOTS}/sessions?last=soon",
}
"""Screens by name; that of a conversation is the first one's of the list."""
WINDOWS: Sequence[tuple[int, Literal["light", "dark"]]] = ((320, "light"), (1280, "dark"))
WIDEST = 2560
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def conversation(page: Page, bot: str = DEMO) -> str:
    """The address of a bot's newest conversation."""
    page.goto(f"/console/bots/{bot}/sessions")
    return page.locator("tr[data-session] a").first.get_attribute("href") or ""


def barriers(page: Page) -> list[str]:
    """What axe-core finds."""
    result = Axe().run(page, options={"runOnly": {"type": "tag", "values": STANDARDS}})
    return [
        f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:3]}"
        for one in result.response["violations"]
    ]


@pytest.mark.parametrize("name", [*SCREENS, "session", "session-hostile"])
def test_axe_finds_no_barrier_and_nothing_is_wider_than_the_window(browser: Browser, stack: Stack, name: str) -> None:
    for width, scheme in WINDOWS:
        context = browser.new_context(
            base_url=stack.api,
            bypass_csp=True,  # axe-core is injected
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
        )
        page = context.new_page()
        address = SCREENS.get(name) or conversation(page, BOT if name == "session-hostile" else DEMO)
        page.goto(address, wait_until="networkidle")
        assert barriers(page) == [], (name, width)
        for wide in (width, WIDEST):
            page.set_viewport_size({"width": wide, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= wide
        context.close()


@IN_SEARCH
def test_a_menu_that_is_open_has_no_barrier_either(browser: Browser, stack: Stack) -> None:
    context = browser.new_context(base_url=stack.api, bypass_csp=True)
    page = context.new_page()
    page.goto(SCREENS["sessions"])
    for menu in ("last 7 days", "locale", "more", "as boto3"):
        page.locator("summary", has_text=menu).first.click()
        assert barriers(page) == [], menu
        page.keyboard.press("Escape")
    context.close()


def test_a_conversation_is_found_and_read_by_keyboard_alone(page: Page) -> None:
    page.goto(SCREENS["sessions"])
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    second = page.locator("tbody tr").nth(1)
    expect(second.locator("a")).to_be_focused()
    request = second.get_attribute("data-request")
    page.keyboard.press("Enter")
    expect(page.locator("li.turn").first).to_have_attribute("data-request", request or "")
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("a?")
    expect(page.get_by_role("searchbox")).to_have_value("a?")
    page.get_by_role("searchbox").blur()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_a_filter_is_set_by_keyboard_alone(page: Page) -> None:
    page.goto(SCREENS["sessions"])
    page.keyboard.press("/")
    while "alias" not in page.evaluate("document.activeElement.textContent"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("list", name="Filters in force")).to_contain_text("alias is LIVEALIAS1")


def test_a_page_is_printed_without_what_only_screens_need(page: Page) -> None:
    page.goto(conversation(page))
    page.emulate_media(media="print")
    expect(page.locator("nav").first).to_be_hidden()
    expect(page.locator("li.turn").first).to_be_visible()


def test_the_hostile_name_is_read_as_it_is(page: Page) -> None:
    page.goto(f"/console/bots/{BOT}/sessions")
    page.locator("tr[data-session]:not([data-session=talker]) a").click()
    expect(page.locator("h1")).to_have_text(SESSION)
