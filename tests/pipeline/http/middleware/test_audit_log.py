"""Every request is logged with its key, operation, bot and number of rows, and without any content."""

import logging
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec
import orjson
import pytest

from pipeline.auth.key_factory import IssuedKey
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from pipeline.http.middleware.audit_log import NAME, audit_log
from pipeline.http.middleware.request_context import CLIENT_GONE
from pipeline.runtime.errors import UsageError
from schemas.access_key import Right
from schemas.lex.log_entry import bot_id
from tests.events import iso
from tests.pipeline.auth.signing import bearing, kept
from tests.pipeline.http.operations.test_list_sessions import insert as insert_rows
from tests.pipeline.http.runtime import insert as insert_turns
from tests.pipeline.http.serving import SESSIONS, WITHIN, Answer, Client, client, serving
from tests.pipeline.query.rows import BOT, NOW, OTHER_BOT, conversation
from tests.pipeline.query.session_entries import v2

PRIVATE = "canary"
"""In all that is said and in whoever says it, in the archive and in requests; never in an audit."""

USER = f"{PRIVATE}-user"
MEMBERS = {"time", "level", "logger", "message", "request", "client", "status", "operation", "key", "bot", "window",
           "rows"}  # fmt: skip
BODY = orjson.dumps({"startDateTime": 1, "endDateTime": 4_000_000_000.25})
V1 = f"/bot/Travel/alias/live/user/{USER}/session/"
V2 = f"/bots/{BOT}/botAliases/TSTALIASID/botLocales/en_US/sessions/{USER}"
SAID = f"/bot/Travel/alias/live/user/{USER}/session/transcript"


@dataclass
class Audit:
    """A query layer that asks for keys and writes an audit, and what it writes."""

    file: Path
    ask: Client
    issued: dict[str, IssuedKey]
    url: str

    def of(self, key: str, method: str, path: str, body: bytes | None = None) -> Answer:
        """The answer to a question with this key, or with none."""
        headers = {"authorization": f"Bearer {self.issued[key].credential}"} if key in self.issued else {}
        return self.ask.ask(method, path, body, headers)

    def lines(self, count: int) -> list[dict[str, Any]]:
        """What is in the file, once it has as many lines; they are written when the answer has left."""
        deadline = time.monotonic() + WITHIN
        while (found := self.file.read_bytes() if self.file.exists() else b"").count(b"\n") < count:
            assert time.monotonic() < deadline, found
            time.sleep(0.005)
        assert PRIVATE.encode() not in found
        assert not any(issued.credential.encode() in found for issued in self.issued.values())
        lines = [orjson.loads(line) for line in found.splitlines()]
        assert len(lines) == count
        assert all(set(line) == MEMBERS for line in lines)
        return lines


@pytest.fixture
def audit(with_tables: Settings, tmp_path: Path) -> Iterator[Audit]:
    issued = {
        "all": bearing(),
        "lists": bearing(rights=(Right.LIST,)),
        "other": bearing(bots=(OTHER_BOT,)),
        "slow": bearing(rate=0.1),
    }
    keys = kept(tmp_path / "keys", *issued.values())
    file = tmp_path / "audit"
    settings = msgspec.structs.replace(with_tables, api_keys=str(keys), api_audit=str(file))
    with private_by_itself(), serving(create_app(settings)) as url, client(url) as ask:
        plant(with_tables)
        yield Audit(file, ask, issued, url)


@contextmanager
def private_by_itself() -> Iterator[None]:
    """Nothing but the code makes files private."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def plant(settings: Settings) -> None:
    """A conversation, and the events of one that is open."""
    spoken: dict[str, Any] = {
        "utterance_times": (NOW - 3_600_000,),
        "utterance_request_ids": (PRIVATE,),
        "utterance_texts": (PRIVATE,),
        "utterance_missed": (False,),
        "utterance_intents": ("",),
        "utterance_slots": ("",),
    }
    insert_rows(settings, *(conversation(number, session_id=f"{PRIVATE}-{number}", **spoken) for number in range(3)))
    now = round(time.time() * 1000)
    said: dict[str, Any] = {
        "inputTranscript": f"{PRIVATE} said",
        "messages": [{"contentType": "PlainText", "content": PRIVATE}],
    }
    state = {"sessionAttributes": {PRIVATE: PRIVATE}}
    turns = [v2(timestamp=iso(now - ago), requestId=f"{PRIVATE}-{ago}", sessionId=USER, state=state, **said)
             for ago in (2_000, 1_000)]  # fmt: skip
    insert_turns(settings, *turns)


def summary(line: dict[str, Any]) -> tuple[object, ...]:
    return tuple(line[name] for name in ("operation", "status", "bot", "rows"))


def test_every_operation_is_logged_with_key_bot_and_rows(audit: Audit) -> None:
    answers = [
        audit.of("all", "POST", SESSIONS, BODY),
        audit.of("all", "GET", V1),
        audit.of("all", "GET", V1.removesuffix("/")),
        audit.of("all", "GET", V2),
        audit.of("all", "GET", SAID),
    ]
    assert PRIVATE in str(answers), "it was asked for what must not be written"
    lines = audit.lines(5)
    assert list(map(summary, lines)) == [
        ("ListSessionAnalyticsData", 200, BOT, 3),
        ("GetSessionV1", 200, "Travel", 1),
        ("GetSessionV1", 200, "Travel", 1),
        ("GetSession", 200, BOT, 1),
        ("GetTranscript", 200, "Travel", 2),
    ]
    assert {line["key"] for line in lines} == {audit.issued["all"].key.id}
    assert [line["request"] for line in lines] == [answer.headers["x-amzn-requestid"] for answer in answers]
    assert lines[0]["window"] == [1000, 4_000_000_000_250]
    assert [line["window"] for line in lines[1:]] == [None] * 4
    assert {(line["client"], line["level"], line["logger"], line["message"]) for line in lines} == {
        ("127.0.0.1", "info", NAME, "request")
    }


def test_metrics_are_logged_with_their_window_and_number_of_results(audit: Audit) -> None:
    group = {"groupBy": [{"name": "LocaleId"}]}
    body = orjson.dumps(orjson.loads(BODY) | {"metrics": [{"name": "Count", "statistic": "Sum"}]} | group)
    audit.of("all", "POST", SESSIONS.replace("sessions", "sessionmetrics"), body)
    (line,) = audit.lines(1)
    assert summary(line) == ("ListSessionMetrics", 200, BOT, 1)
    assert line["window"] == [1000, 4_000_000_000_250]


def test_paths_utterances_and_bots_are_logged_and_need_their_right(audit: Audit) -> None:
    """A key that may only list is shown no text of users."""
    window, week = orjson.loads(BODY), {"relativeAggregationDuration": {"timeDimension": "Weeks", "timeValue": 1}}
    aggregated = orjson.dumps({"localeId": "en_US", "aggregationDuration": week})
    for key in ("all", "lists"):
        audit.of(key, "POST", SESSIONS.replace("sessions", "intentpaths"), orjson.dumps(window | {"intentPath": "/"}))
        audit.of(key, "POST", "/bots/", b"{}")
        audit.of(key, "POST", SESSIONS.replace("sessions", "utterances"), BODY)
        audit.of(key, "POST", f"/bots/{BOT}/aggregatedutterances/", aggregated)
    lines = audit.lines(8)
    assert list(map(summary, lines)) == [
        ("ListIntentPaths", 200, BOT, 1),
        ("ListBots", 200, "", 1),
        ("ListUtteranceAnalyticsData", 200, BOT, 3),
        ("ListAggregatedUtterances", 200, BOT, 0),
        ("ListIntentPaths", 200, BOT, 1),
        ("ListBots", 200, "", 1),
        ("ListUtteranceAnalyticsData", 403, "", 0),
        ("ListAggregatedUtterances", 403, "", 0),
    ]
    assert [line["window"] for line in lines[:3]] == [[1000, 4_000_000_000_250], None, [1000, 4_000_000_000_250]]
    after, before = lines[3]["window"]
    assert before - after == 604_800_000


def test_refused_requests_are_logged_without_their_content(audit: Audit) -> None:
    """Bodies, users, labels and tokens all hold the canary."""
    wrong = orjson.dumps({"startDateTime": PRIVATE, "endDateTime": 2})
    filtered = [{"name": "SessionId", "operator": "EQ", "values": [PRIVATE]}]
    beyond = orjson.dumps({"startDateTime": 1, "endDateTime": 2, "filters": filtered, "nextToken": PRIVATE})
    asked = [
        ("", "POST", SESSIONS, wrong),
        ("", "GET", V1, None),
        ("lists", "GET", SAID, None),
        ("other", "GET", V1, None),
        ("other", "GET", V2, None),
        ("other", "POST", SESSIONS, BODY),
        ("all", "POST", SESSIONS, wrong),
        ("all", "POST", SESSIONS, beyond),
        ("all", "POST", f"/bots/{PRIVATE}/analytics/sessions", BODY),
        ("all", "GET", f"{V1}?checkpointLabelFilter={PRIVATE}!", None),
        ("all", "GET", V2 + "-and-more", None),
    ]
    for each in asked:
        audit.of(*each)
    assert list(map(summary, audit.lines(len(asked)))) == [
        ("ListSessionAnalyticsData", 403, "", 0),
        ("GetSessionV1", 403, "", 0),
        ("GetTranscript", 403, "", 0),
        ("GetSessionV1", 404, "Travel", 0),
        ("GetSession", 403, BOT, 0),
        ("ListSessionAnalyticsData", 200, BOT, 0),
        ("ListSessionAnalyticsData", 400, BOT, 0),
        ("ListSessionAnalyticsData", 400, BOT, 0),
        ("ListSessionAnalyticsData", 400, "", 0),
        ("GetSessionV1", 400, "", 0),
        ("GetSession", 404, BOT, 0),
    ]
    whose = [line["key"] for line in audit.lines(len(asked))]
    ids = {name: issued.key.id for name, issued in audit.issued.items()} | {"": ""}
    assert whose == [ids[key] for key, *_ in asked], "a key that is not shown, or not right, is nobody's"


def test_a_wrong_token_is_logged_without_a_key(audit: Audit) -> None:
    almost = audit.issued["all"].credential[:-1] + "_"
    audit.ask.ask("GET", V1, headers={"authorization": f"Bearer {almost}"})
    audit.ask.ask("GET", V1, headers={"authorization": f"AWS4-HMAC-SHA256 Credential={PRIVATE}"})
    lines = audit.lines(2)
    assert [(line["status"], line["key"]) for line in lines] == [(403, ""), (403, "")]
    assert almost not in audit.file.read_text()


def test_throttled_requests_are_logged_with_their_key(audit: Audit) -> None:
    assert [audit.of("slow", "GET", V1).status for _ in range(2)] == [200, 429]
    lines = audit.lines(2)
    assert [(line["status"], line["rows"]) for line in lines] == [(200, 1), (429, 0)]
    assert {line["key"] for line in lines} == {audit.issued["slow"].key.id}


def test_requests_of_disconnected_clients_are_logged(audit: Audit) -> None:
    with socket.create_connection(("127.0.0.1", urlsplit(audit.url).port or 0), timeout=WITHIN) as gone:
        head = f"POST {SESSIONS} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 99\r\n\r\n{PRIVATE}"
        gone.sendall(head.encode())
        time.sleep(0.05)
    assert summary(audit.lines(1)[0]) == ("ListSessionAnalyticsData", CLIENT_GONE, "", 0)


def test_what_is_no_question_about_conversations_is_not_written(audit: Audit) -> None:
    for method, path in (("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/openapi.json"), ("GET", "/nope"),
                         ("DELETE", SESSIONS)):  # fmt: skip
        audit.ask.ask(method, path)
    audit.of("all", "GET", V1)
    audit.lines(1)


@pytest.mark.parametrize("name", ['a\nb\r{"key":"x"}', 'x","key":"forged', "\x00\x1b[31m", "Grüße", "\u2028", "*"])
def test_whatever_a_bot_is_called_a_line_stays_one_and_says_what_it_says(audit: Audit, name: str) -> None:
    audit.of("all", "GET", f"/bot/{quote(name, safe='')}/alias/a/user/{USER}/session/")
    (line,) = audit.lines(1)
    assert (line["bot"], line["key"], line["status"]) == (name, audit.issued["all"].key.id, 404)


def test_a_bot_is_logged_by_the_name_in_the_request(audit: Audit) -> None:
    audit.of("all", "POST", f"/bots/{bot_id('Travel')}/analytics/sessions", BODY)
    assert audit.lines(1)[0]["bot"] == bot_id("Travel")


def test_after_log_rotation_a_new_private_file_is_created(audit: Audit) -> None:
    audit.of("all", "GET", V1)
    before = audit.lines(1)
    moved = audit.file.rename(audit.file.with_suffix(".1"))
    audit.of("all", "GET", V2)
    (after,) = audit.lines(1)
    assert (before[0]["operation"], after["operation"]) == ("GetSessionV1", "GetSession")
    assert moved.read_bytes().count(b"\n") == 1
    for file in (audit.file, moved):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_that_is_there_already_is_gone_on_with(with_tables: Settings, tmp_path: Path) -> None:
    file = tmp_path / "audit"
    file.write_text("before\n")
    settings = msgspec.structs.replace(with_tables, api_audit=str(file))
    with serving(create_app(settings)) as url, client(url) as ask:
        assert ask.ask("POST", SESSIONS, BODY).status == 200
    first, second = file.read_bytes().splitlines()
    assert first == b"before"
    assert orjson.loads(second)["key"] == "ANYONE"


def test_while_the_file_cannot_be_written_lines_go_to_the_log(audit: Audit, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    folder = audit.file.parent
    moved = folder.rename(folder.with_name("away"))
    folder.write_text("")  # the keys are unavailable, too: requests get that error, and it is logged
    answers = [audit.of("all", "GET", V1) for _ in range(2)]
    deadline = time.monotonic() + WITHIN
    while sum(record.name == NAME for record in caplog.records) < 2:  # they are written when the answers have left
        assert time.monotonic() < deadline
        time.sleep(0.005)
    folder.unlink()
    moved.rename(folder)
    answers.append(audit.of("all", "GET", V1))
    assert [answer.status for answer in answers] == [500, 500, 200]
    assert [line["status"] for line in audit.lines(1)] == [200]
    assert caplog.text.count("the audit cannot be written ([Errno 20] Not a directory") == 2
    written: list[Any] = [record for record in caplog.records if record.name == NAME]
    assert [(record.status, record.operation) for record in written] == [(500, "GetSessionV1")] * 2


@pytest.mark.parametrize("place", ["no/audit", "."])
def test_a_file_that_cannot_be_written_stops_the_start(tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    with pytest.raises(UsageError, match=rf"TURNFOLD_API_AUDIT={path} cannot be written: "):
        create_app(Settings(api_audit=str(path)))


def test_without_a_file_records_go_to_the_log_if_there_are_keys(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    keys = kept(tmp_path / "keys")
    for settings, count in ((Settings(), 0), (Settings(api_keys=str(keys)), 1)):
        caplog.clear()
        away = msgspec.structs.replace(settings, clickhouse="http://127.0.0.1:1")
        with serving(create_app(away)) as url, client(url) as ask:
            ask.ask("GET", V1)
        assert [record.name for record in caplog.records].count(NAME) == count
    assert audit_log(Settings()).disabled
