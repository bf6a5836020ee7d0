"""What holds for every page: headers, hosts, methods, errors with advice, and the audit log."""

import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import msgspec
import orjson
import pytest
from starlette.testclient import TestClient

from pipeline.config.settings import Settings
from pipeline.console.routes import SCREENS, console_routes
from pipeline.console.security import POLICY
from pipeline.http.app import create_app
from pipeline.runtime.sockets import free_port
from tests.pipeline.console.site import SESSIONS, console
from tests.pipeline.http.serving import serving

INLINE = re.compile(r"<script(?![^>]*\bsrc=)|\son\w+=|style=|javascript:", re.IGNORECASE)


@pytest.mark.parametrize("path", ["/console/", SESSIONS, f"{SESSIONS}?last=soon", "/console/nowhere"])
def test_every_page_has_the_policy_and_nothing_inline(site: TestClient, path: str) -> None:
    answer = site.get(path)
    assert answer.headers.get_list("content-security-policy") == [POLICY]
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert not INLINE.search(answer.text)
    assert len(re.findall("<h1", answer.text)) == 1
    assert "<main" in answer.text


def test_the_servers_own_policy_for_data_is_replaced(with_tables: Settings) -> None:
    """Of two policies a browser applies both, and nothing would load."""
    with serving(create_app(with_tables, pages=console_routes)) as url:
        connection = HTTPConnection(urlsplit(url).netloc, timeout=30)
        connection.request("GET", "/console/")
        headers = connection.getresponse().headers
        connection.close()
    assert headers.get_all("content-security-policy") == [POLICY]
    assert headers.get_all("cache-control") == ["no-store"]
    assert headers.get_all("x-content-type-options") == ["nosniff"]


def test_a_foreign_host_is_refused(with_tables: Settings) -> None:
    with console(with_tables) as site:
        assert site.get("/console/", headers={"host": "attacker.example"}).status_code == 403


def test_the_root_leads_to_the_console_for_now(site: TestClient) -> None:
    """A browser keeps a permanent redirect, also for another program that listens on this port later."""
    answer = site.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/console/")


def test_the_folder_leads_to_the_index(site: TestClient) -> None:
    answer = site.get("/console")
    assert (answer.status_code, answer.headers["location"]) == (308, "/console/")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_is_written_through_the_console(site: TestClient, method: str) -> None:
    assert site.request(method, SESSIONS).status_code == 405


@pytest.mark.parametrize(
    ("query", "advice"),
    [
        ("last=soon", "expected a number of hours or days"),
        ("zone=Nowhere", "no such time zone"),
        ("sort=Name", "sortBy.name"),
        ("token=forged", "this server did not issue this token"),
        ("Duration=GT+soon", "expected whole seconds"),
        ("&".join(f"SessionId=s{n}" for n in range(6)), "length"),
    ],
)
def test_a_wrong_parameter_is_named_with_a_way_on(site: TestClient, query: str, advice: str) -> None:
    answer = site.get(f"{SESSIONS}?{query}")
    assert answer.status_code == 400
    assert advice in answer.text
    back = re.search(r'href="(/console/bots/[^"]*)">Continue without it', answer.text)
    assert back
    assert site.get(back[1].replace("&amp;", "&")).status_code == 200


def test_a_part_that_cannot_be_shown_is_a_fragment_with_a_way_on(site: TestClient) -> None:
    answer = site.get(f"{SESSIONS}?last=7d&sort=Name&part=rows")
    assert answer.status_code == 400
    assert "<html" not in answer.text
    assert 'href="?last=7d&amp;sort=Name"' in answer.text


@pytest.mark.parametrize("view", ["sessions", "overview", "intents", "paths", "utterances", "compare"])
def test_a_part_that_does_not_exist_is_the_whole_page(site: TestClient, view: str) -> None:
    answer = site.get(f"{SESSIONS.rpartition('/')[0]}/{view}?part=nothing")
    assert answer.status_code == 200
    assert len(re.findall("<h1", answer.text)) == 1


def test_without_clickhouse_a_page_says_so() -> None:
    with console(Settings(clickhouse=f"http://127.0.0.1:{free_port()}")) as site:
        answer = site.get(SESSIONS)
    assert answer.status_code == 503
    assert "ClickHouse does not answer at the moment" in answer.text
    assert "Reload the page in a moment" in answer.text


def test_the_audit_log_names_views(with_tables: Settings, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("audit") / "audit.jsonl"
    with console(msgspec.structs.replace(with_tables, api_audit=str(file))) as site:
        site.get("/console/")
        site.get(f"{SESSIONS}?from=1970-01-01T00:00:01Z&to=1970-01-01T00:00:02Z")
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert [line["operation"] for line in lines] == ["ConsoleBots", "ConsoleSessions"]
    assert (lines[1]["bot"], lines[1]["window"]) == ("BOTAAAAAA1", [1000, 2000])


def test_names_of_screens_are_unique() -> None:
    assert len({screen.name for screen in SCREENS}) == len(SCREENS)


def test_fields_of_a_form_lead_to_an_address_to_share(site: TestClient) -> None:
    answer = site.get(f"{SESSIONS}?last=7d&from=&to=&LocaleId=en_GB&LocaleId=&longer=60&shorter=&zone=")
    assert (answer.status_code, answer.headers["location"]) == (303, "?last=7d&LocaleId=en_GB&Duration=GT+60")
