"""Where keys are required: a login with a token, what its rights show, and its end with the key."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from pipeline.auth.key_factory import IssuedKey, with_revocation
from pipeline.auth.key_store import change_keys
from pipeline.config.load import load_settings
from pipeline.console.routes import console_routes
from pipeline.http.app import create_app
from schemas.access_key import Right
from tests.integration.console.conftest import DEMO
from tests.integration.stack import Stack
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.serving import serving

SESSIONS = f"/console/bots/{DEMO}/sessions"


@pytest.fixture
def reader() -> IssuedKey:
    """A key that may see everything of the demo bot."""
    return bearing(bots=(DEMO,), rights=(Right.LIST, Right.TRANSCRIPTS), rate=1000.0, concurrent=100)


@pytest.fixture
def lister() -> IssuedKey:
    """A key that may list conversations, but not read them."""
    return bearing(id="TFKLISTER", bots=("*",), rights=(Right.LIST,), rate=1000.0, concurrent=100)


@pytest.fixture
def keys(tmp_path: Path, reader: IssuedKey, lister: IssuedKey) -> Path:
    """Their file."""
    return kept(tmp_path / "keys", reader, lister)


@pytest.fixture
def guarded(browser: Browser, stack: Stack, keys: Path) -> Iterator[BrowserContext]:
    """A browser at a query layer that requires keys."""
    settings = msgspec.structs.replace(load_settings(stack.environ), api_keys=str(keys))
    with serving(create_app(settings, pages=console_routes)) as url:
        context = browser.new_context(base_url=url)
        yield context
        context.close()


def log_in(page: Page, token: str) -> None:
    """Fill the form."""
    page.get_by_label("Bearer token of your access key").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_a_login_leads_to_the_page_that_was_asked_for_and_ends_with_the_key(
    guarded: BrowserContext, keys: Path, reader: IssuedKey
) -> None:
    page = guarded.new_page()
    page.goto(f"{SESSIONS}?last=30d")
    log_in(page, "tf_TFKNOBODY_" + "a" * 43)
    expect(page.get_by_role("alert")).to_contain_text("unknown or revoked access key")
    log_in(page, reader.credential)
    assert page.url.endswith(f"{SESSIONS}?last=30d")
    expect(page.locator("tbody tr").first).to_be_visible()
    (cookie,) = [one for one in guarded.cookies() if one["name"] == "turnfold_login"]
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/console")
    assert reader.credential not in cookie["value"]
    assert page.evaluate("document.cookie.includes('login')") is False
    change_keys(keys, lambda known: [with_revocation(key, 1) for key in known])
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("unknown or revoked access key")
    expect(page.locator("tbody")).to_have_count(0)


def test_rights_decide_which_screens_and_bots_there_are(guarded: BrowserContext, lister: IssuedKey) -> None:
    page = guarded.new_page()
    page.goto(SESSIONS)
    log_in(page, lister.credential)
    page.locator("tr[data-session] a").first.click()
    expect(page.locator("h1")).to_have_text("Not allowed")
    expect(page.locator("main")).to_contain_text("no right to transcripts")


def test_a_key_sees_its_own_bots_alone(guarded: BrowserContext, reader: IssuedKey) -> None:
    page = guarded.new_page()
    page.goto("/console/")
    log_in(page, reader.credential)
    assert page.locator("tr[data-bot]").evaluate_all("all => all.map(each => each.dataset.bot)") == [DEMO]
    page.goto("/console/bots/HARBORBANK/sessions")
    expect(page.locator("main")).to_contain_text("No conversation began")


def test_a_link_from_another_site_finds_the_login(guarded: BrowserContext, stack: Stack, reader: IssuedKey) -> None:
    page = guarded.new_page()
    page.goto(SESSIONS)
    log_in(page, reader.credential)
    address = page.url
    page.goto(stack.api.replace("127.0.0.1", "localhost") + "/console/")
    page.evaluate("address => location.assign(address)", address)
    expect(page.locator("tbody tr").first).to_be_visible()


def test_a_reader_logs_out(guarded: BrowserContext, reader: IssuedKey) -> None:
    page = guarded.new_page()
    page.goto(SESSIONS)
    log_in(page, reader.credential)
    page.get_by_role("button", name="log out").click()
    page.goto(SESSIONS)
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
