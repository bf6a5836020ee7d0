"""A stack with the demo's traffic and hostile texts, and Debian's chromium to look at its console."""

from collections.abc import Iterator

import orjson
import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.clients.tools import require
from tests.integration.console.chromium import chromium, program
from tests.integration.console.hostile import hostile_entries
from tests.integration.stack import Stack, running

DEMO = "TRAVELBOT1"


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of `turnfold up` which has folded the demo's week, and conversations of hostile users."""
    with running(tmp_path_factory.mktemp("console") / "data") as made:
        sent = made.turnfold("demo", "--no-live", "--conversations=400")
        assert sent.returncode == 0, sent.stderr
        sent = made.turnfold("ingest", "-", data=b"\n".join(map(orjson.dumps, hostile_entries())))
        assert sent.returncode == 0, sent.stderr
        made.wait_until_folded()
        yield made


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, started once. It ends with these tests: while it runs, asyncio.run() fails in this thread."""
    require(program())
    with chromium() as launched:
        yield launched


@pytest.fixture
def context(browser: Browser, stack: Stack) -> Iterator[BrowserContext]:
    """A browser of a new reader in Berlin."""
    opened = browser.new_context(base_url=stack.api, timezone_id="Europe/Berlin", locale="en-GB")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page of this reader. Any error on its console fails the test, a violation of the policy included."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    assert complaints == []


@pytest.fixture
def plain(browser: Browser, stack: Stack) -> Iterator[Page]:
    """A page without JavaScript."""
    opened = browser.new_context(base_url=stack.api, java_script_enabled=False)
    yield opened.new_page()
    opened.close()
