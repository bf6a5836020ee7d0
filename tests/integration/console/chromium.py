"""Debian's chromium: its headless shell, which takes a quarter of the CPU time, or else the whole browser."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium")


def program() -> str:
    """Return the name of the program that is installed; the first if none is."""
    return next(filter(shutil.which, PROGRAMS), PROGRAMS[0])


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run it during the block; asyncio.run() fails in this thread meanwhile."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which(program()), args=["--no-sandbox"])
        yield browser
        browser.close()
