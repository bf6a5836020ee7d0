"""Every screen is whole with JavaScript and without, and leads where it says."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.integration.console.conftest import DEMO
from tests.integration.console.test_access import SCREENS

WITH_PARTS = [name for name in SCREENS if name not in {"error", "bots"}]
BOTS = f"/console/bots/{DEMO}"
BROKEN = """cells => cells.filter(cell => {
  const range = document.createRange();
  range.selectNodeContents(cell);
  return range.getBoundingClientRect().height > 1.8 * parseFloat(getComputedStyle(cell).lineHeight);
}).map(cell => cell.innerText)"""
"""Returns the texts of those elements that take more than one line."""
WIDER = """boxes => Promise.all(boxes.filter(box => box.scrollWidth > box.clientWidth).map(async box => {
  const fade = side => parseFloat(getComputedStyle(box).getPropertyValue(`--fade-${side}`));
  const drawn = () => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  await drawn();
  const before = [fade("left"), fade("right")];
  box.scrollLeft = box.scrollWidth;
  await drawn();
  return [before, [fade("left"), fade("right")]];
}))"""
"""Returns how far those elements fade that are wider than their place: at both sides, before and after scrolling."""


@pytest.mark.parametrize("name", WITH_PARTS)
def test_slower_parts_come_by_themselves(page: Page, name: str) -> None:
    page.goto(SCREENS[name])
    expect(page.locator("[data-load]")).to_have_count(0, timeout=30_000)
    expect(page.locator(".part.failed")).to_have_count(0)


@pytest.mark.parametrize("name", WITH_PARTS)
def test_without_javascript_a_link_waits_for_slower_parts(plain: Page, name: str) -> None:
    plain.goto(SCREENS[name])
    links = plain.locator(".part.wait a[href*='wait=yes']")
    if links.count():
        links.first.click()
    expect(plain.locator(".part.wait, .part.failed")).to_have_count(0)
    expect(plain.locator("h1")).to_have_count(1)


def test_every_view_keeps_span_and_filters(plain: Page) -> None:
    plain.goto(f"{BOTS}/sessions?last=30d&LocaleId=en_GB&Duration=GT+5")
    for screen in ("Overview", "Intents", "Paths", "Utterances", "Compare", "Sessions"):
        plain.get_by_role("navigation", name="Screens").get_by_role("link", name=screen).click()
        assert plain.url.endswith(f"/{screen.lower()}?last=30d&LocaleId=en_GB&Duration=GT+5")
        chips = plain.get_by_role("list", name="Filters in force")
        expect(chips).to_contain_text("locale is en_GB")
        is_told = "does not apply" in chips.inner_text()
        assert is_told == (screen in {"Intents", "Paths", "Utterances"})


def test_a_path_is_followed_level_by_level_and_back(page: Page) -> None:
    page.goto(f"{BOTS}/paths?wait=yes")
    node = page.locator("tr[data-path]").first
    path = node.get_attribute("data-path")
    node.locator("th a").click()
    expect(page.locator(".of b")).to_have_text((path or "").strip("/"))
    page.go_back()
    expect(page.locator(".of b")).to_have_count(0)
    page.get_by_role("group", name="Paths through intents").get_by_role("link").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".of b")).to_have_count(1)


def test_from_an_utterance_to_the_conversation(page: Page) -> None:
    page.goto(f"{BOTS}/utterances?wait=yes")
    text = page.locator("#rows tbody th").first.inner_text()
    page.locator("#rows tbody th a").first.click()
    said = page.locator("section.others tr[data-session]")
    expect(said.first).to_contain_text(text)
    session = said.first.get_attribute("data-session")
    said.first.locator("a").click()
    expect(page.locator("tr[data-session]")).to_have_attribute("data-session", session or "")
    page.locator("tr[data-session] a").click()
    expect(page.locator("li.turn .missed").first).to_be_visible()


def test_a_text_is_copied(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{BOTS}/utterances")
    page.get_by_role("button", name="copy").first.click()
    expect(page.get_by_role("button", name="copied")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#rows tbody th").first.inner_text()


def test_an_intent_leads_to_those_that_users_switch_to(page: Page) -> None:
    page.goto(f"{BOTS}/intents/BookHotel?wait=yes")
    link = page.locator("section.others a").first
    name = link.inner_text()
    link.click()
    expect(page.locator("h1")).to_have_text(name)


def test_spans_are_compared(page: Page) -> None:
    page.goto(f"{BOTS}/compare")
    page.get_by_label("two").select_option("spans")
    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("columnheader", name="the span before").first).to_be_visible()


def test_the_status_of_the_pipeline(page: Page) -> None:
    page.goto("/console/")
    page.get_by_role("link", name="status of the pipeline").click()
    expect(page.locator("tr[data-topic=turns]")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize(("view", "cells"), [("utterances?wait=yes", "#rows td"), ("sessions", "#rows td")])
def test_no_word_is_broken_on_a_phone(page: Page, view: str, cells: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{BOTS}/{view}")
    words = page.locator(cells).get_by_text(re.compile(r"^\w{1,16}$"))
    assert words.count() > 5
    assert words.evaluate_all(BROKEN) == []


@pytest.mark.parametrize("name", WITH_PARTS)
def test_on_a_phone_what_is_wider_than_the_window_fades_where_there_is_more(page: Page, name: str) -> None:
    """Else nobody scrolls, and whole columns are never seen."""
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(SCREENS[name])
    expect(page.locator("[data-load]")).to_have_count(0, timeout=30_000)
    for twin in page.locator("details.twin").all():
        twin.locator("summary").click()
    wider = page.locator(".scroll").evaluate_all(WIDER)
    assert all(before == [0, 40] and after == [40, 0] for before, after in wider)
    assert len(wider) == (1 if name == "paths" else 0), "only the picture of paths is wide"


def test_the_outline_of_what_is_focused_does_not_fade(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{BOTS}/paths?wait=yes")
    picture = page.get_by_role("region", name="The flow of intents")
    assert picture.evaluate("box => getComputedStyle(box).maskImage") != "none"
    page.keyboard.press("Tab")
    picture.focus()
    assert picture.evaluate("box => getComputedStyle(box).maskImage") == "none"


def test_on_a_phone_each_number_of_a_row_says_what_it_counts(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{BOTS}/intents?wait=yes")
    row = page.locator("tr[data-intent=BookHotel]")
    texts = [" ".join(cell.inner_text().split()) for cell in row.locator("td.number").all()]
    assert [re.sub(r"[\d.,]+", "n", text) for text in texts] == [
        "n visits", "Success n n %", "Failure n n %", "Switched n n %", "Dropped n n %",
    ]  # fmt: skip
    page.set_viewport_size({"width": 1280, "height": 844})
    assert row.locator("td.number").first.inner_text().strip().isdigit()
