"""Take pictures of every screen at three widths, light and dark, of a console that runs with the demo's traffic.

python -m tests.integration.console.screenshots http://127.0.0.1:8080 FOLDER
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser

from tests.integration.console.chromium import chromium
from tests.integration.console.test_access import SCREENS, conversation

WIDTHS = (320, 1280, 2560)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take(browser: Browser, url: str, folder: Path) -> Iterator[Path]:
    """Yield the file of each picture."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            size = {"width": width, "height": 900}
            context = browser.new_context(base_url=url, viewport=size, color_scheme=scheme)  # type: ignore[arg-type] # as documented
            page = context.new_page()
            for name, address in {**SCREENS, "session": conversation(page)}.items():
                page.goto(address, wait_until="networkidle")
                file = folder / f"{name}-{width}-{scheme}.png"
                page.screenshot(path=file, full_page=True)
                yield file
            context.close()


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for file in take(browser, arguments.url, arguments.folder):
            print(file)  # noqa: T201 - a tool for developers


if __name__ == "__main__":
    main()
