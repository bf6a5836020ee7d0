"""Cookies and forms of the login, where a browser would not show what was sent."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from pipeline.auth.key_factory import IssuedKey
from pipeline.config.settings import Settings
from pipeline.console.login import is_own_path
from schemas.access_key import Right
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.console.site import SESSIONS, console

LOGIN = "/console/login"


@pytest.fixture
def reader() -> IssuedKey:
    return bearing(bots=("*",), rights=(Right.LIST,), expires=None)


@pytest.fixture
def guarded(with_tables: Settings, tmp_path: Path, reader: IssuedKey) -> Iterator[TestClient]:
    keys = kept(tmp_path / "keys", reader)
    with console(msgspec.structs.replace(with_tables, api_keys=str(keys))) as client:
        yield client


def test_over_tls_the_cookie_is_secure(guarded: TestClient, reader: IssuedKey) -> None:
    for scheme in ("http", "https"):
        answer = guarded.post(f"{scheme}://localhost{LOGIN}", data={"token": reader.credential, "next": SESSIONS})
        cookie = answer.headers["set-cookie"].lower()
        assert (answer.status_code, answer.headers["location"]) == (303, SESSIONS)
        assert all(word in cookie for word in ("httponly", "samesite=strict", "max-age=43200", "path=/console"))
        assert ("secure" in cookie) == (scheme == "https")


def test_after_a_wrong_token_the_page_that_was_asked_for_is_still_known(guarded: TestClient) -> None:
    answer = guarded.post(LOGIN, data={"token": "tf_wrong", "next": f"{SESSIONS}?last=30d"})
    assert answer.status_code == 403
    assert f'name="next" value="{SESSIONS}?last=30d"' in answer.text


def test_a_form_of_another_site_is_refused(guarded: TestClient, reader: IssuedKey) -> None:
    answer = guarded.post(LOGIN, data={"token": reader.credential}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil", "/console/\\x", "/bots/x", "/console/\n"]
)
def test_a_login_leads_nowhere_else(guarded: TestClient, reader: IssuedKey, target: str) -> None:
    assert not is_own_path(target)
    answer = guarded.post(LOGIN, data={"token": reader.credential, "next": target})
    assert answer.headers["location"] == "/console/"


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "\u00e9", "x" * 5_000])
def test_any_other_cookie_is_no_login(guarded: TestClient, cookie: str) -> None:
    headers = {"cookie": f"turnfold_login={cookie}".encode("latin-1")}
    assert guarded.get(SESSIONS, headers=headers).status_code == 401  # type: ignore[arg-type] # bytes are sent as they are
    assert guarded.get(f"{SESSIONS}?part=count", headers=headers).text == ""  # type: ignore[arg-type]


def test_a_page_from_a_link_elsewhere_is_asked_for_once_more(guarded: TestClient) -> None:
    """The browser withholds a strict cookie from a link on another site, and sends it the second time."""
    answer = guarded.get(SESSIONS, headers={"sec-fetch-site": "cross-site"})
    assert 'http-equiv="refresh"' in answer.text


def test_without_keys_there_is_no_login(site: TestClient) -> None:
    assert site.get(LOGIN).status_code == 404
