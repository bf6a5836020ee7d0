"""Text, spacing and the widths at which the layout changes follow the font size that readers have set in browsers."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page

from tests.integration.console.chromium import program
from tests.integration.console.test_access import BOTS, SCREENS
from tests.integration.stack import Stack

USUAL, LARGE = 16, 24
SIZES = """() => {
  const of = (selector, name) => parseFloat(getComputedStyle(document.querySelector(selector))[name]);
  return [of("body", "fontSize"), of("body", "lineHeight"), of("h1", "fontSize"), of("thead th", "fontSize"),
          of("main", "paddingTop"), of("tbody td", "paddingTop"), of(".top", "minHeight"), of(".bar", "rowGap")];
}"""


@contextmanager
def reading(browser: Browser, stack: Stack, font_size: int, width: int) -> Iterator[Page]:
    """A page in a browser whose reader has set a font size."""
    options = ["--no-sandbox", f"--blink-settings=defaultFontSize={font_size}"]
    launched = browser.browser_type.launch(executable_path=shutil.which(program()), args=options)
    try:
        yield launched.new_page(base_url=stack.api, viewport={"width": width, "height": 900})
    finally:
        launched.close()


def test_text_and_spacing_grow_with_the_font_size(browser: Browser, stack: Stack) -> None:
    measured = []
    for font_size in (USUAL, LARGE):
        with reading(browser, stack, font_size, 1920) as page:
            page.goto(SCREENS["sessions"])
            measured.append(page.evaluate(SIZES))
    usual, large = measured
    assert usual == [14, 20, 22, 13, 16, 6, 48, 8]
    assert large == [size * LARGE / USUAL for size in usual]


@pytest.mark.parametrize(("font_size", "display"), [(USUAL, "table"), (LARGE, "block")])
def test_rows_become_blocks_where_there_is_no_room_for_text_of_this_size(
    browser: Browser, stack: Stack, font_size: int, display: str
) -> None:
    with reading(browser, stack, font_size, 900) as page:
        page.goto(SCREENS["sessions"])
        assert page.locator("table.stack").evaluate("table => getComputedStyle(table).display") == display


def test_a_picture_with_text_grows_as_a_whole(browser: Browser, stack: Stack) -> None:
    widths = []
    for font_size in (USUAL, LARGE):
        with reading(browser, stack, font_size, 1920) as page:
            page.goto(f"{BOTS}/paths?wait=yes")
            widths.append(page.locator(".flow svg").evaluate("svg => svg.getBoundingClientRect().width"))
    assert widths[1] == widths[0] * LARGE / USUAL


def test_nothing_is_wider_than_a_phone_with_large_text(browser: Browser, stack: Stack) -> None:
    with reading(browser, stack, LARGE, 390) as page:
        for name, address in SCREENS.items():
            page.goto(address, wait_until="networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, name
