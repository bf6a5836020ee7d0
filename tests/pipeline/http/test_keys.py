"""AWS's SDK with valid, wrong, expired, revoked and restricted keys: what each may read, and nothing else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from pipeline.auth.key_factory import IssuedKey, with_revocation
from pipeline.auth.key_store import change_keys
from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from schemas.access_key import Right
from tests.events import iso
from tests.pipeline.auth.signing import bearing, signing
from tests.pipeline.http.operations.test_list_sessions import insert as insert_rows
from tests.pipeline.http.runtime import insert as insert_turns
from tests.pipeline.http.serving import SESSIONS, WINDOW, Client, assert_failed, client, serving
from tests.pipeline.query.rows import BOT, OTHER_BOT, conversation
from tests.pipeline.query.session_entries import Entry, v2

LISTED: dict[str, Any] = {
    "startDateTime": datetime(2020, 1, 1, tzinfo=UTC),
    "endDateTime": datetime(2030, 1, 1, tzinfo=UTC),
}


@dataclass
class Guarded:
    """A query layer that asks for keys, and its file of them."""

    url: str
    keys: Path

    def give(self, issued: IssuedKey) -> IssuedKey:
        """Add a key."""
        change_keys(self.keys, lambda known: [*known, issued.key])
        return issued

    def sdk(self, issued: IssuedKey, service: str = "lexv2-models", **changes: str) -> Any:
        """The SDK with this key."""
        account = {"aws_access_key_id": issued.key.id, "aws_secret_access_key": issued.credential} | changes
        retries = Config(retries={"max_attempts": 0})
        return boto3.client(service, endpoint_url=self.url, region_name="eu-west-1", config=retries, **account)

    def listed(self, issued: IssuedKey, bot: str = BOT, **changes: str) -> list[str]:
        """The ids of the sessions that it lists."""
        answer = self.sdk(issued, **changes).list_session_analytics_data(botId=bot, **LISTED)
        return [session["sessionId"] for session in answer["sessions"]]


@pytest.fixture
def guarded(with_tables: Settings, tmp_path: Path) -> Iterator[Guarded]:
    with asking_for_keys(with_tables, tmp_path / "keys.json") as it:
        insert_rows(with_tables, conversation(1), conversation(2, bot_id=OTHER_BOT))
        yield it


@contextmanager
def asking_for_keys(settings: Settings, keys: Path, now: Callable[[], int] | None = None) -> Iterator[Guarded]:
    change_keys(keys, lambda known: known)
    ours = msgspec.structs.replace(settings, api_keys=str(keys))
    with serving(create_app(ours, now=now) if now else create_app(ours)) as url:
        yield Guarded(url, keys)


@contextmanager
def denied(code: str) -> Iterator[None]:
    with pytest.raises(ClientError) as raised:
        yield
    assert raised.value.response["Error"]["Code"] == code
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_a_valid_key_is_accepted_from_the_sdk_and_as_a_token(guarded: Guarded) -> None:
    assert guarded.listed(guarded.give(signing())) == ["session-1"]
    token = guarded.give(bearing()).credential
    with client(guarded.url) as ask:
        body = msgspec.json.encode(WINDOW)
        answer = ask.ask("POST", SESSIONS, body, {"authorization": f"Bearer {token}"})
    assert [session["sessionId"] for session in answer.body["sessions"]] == ["session-1"]


def test_the_same_call_may_be_made_many_times_a_second(guarded: Guarded) -> None:
    """Their signatures are alike, and nobody has captured anything."""
    issued = guarded.give(signing(rate=1000.0))
    lex = guarded.sdk(issued)
    assert all(lex.list_session_analytics_data(botId=BOT, **LISTED)["sessions"] for _ in range(30))


def test_wrong_unknown_expired_and_revoked_keys_are_not(guarded: Guarded) -> None:
    right, late, stranger = guarded.give(signing()), guarded.give(signing(expires=1)), signing()
    with denied("InvalidSignatureException"):
        guarded.listed(right, aws_secret_access_key="another")
    with denied("UnrecognizedClientException"):
        guarded.listed(stranger)
    with denied("ExpiredTokenException"):
        guarded.listed(late)
    change_keys(guarded.keys, lambda known: [with_revocation(key, 1) for key in known])
    with denied("UnrecognizedClientException"):
        guarded.listed(right)


def test_without_credentials_only_probes_and_the_document_are_served(guarded: Guarded) -> None:
    with client(guarded.url) as ask:
        for path in (SESSIONS, "/bots/no/analytics/sessions"):
            assert_failed(ask.post(path, b"{"), 403, "MissingAuthenticationTokenException")
        assert_failed(ask.ask("GET", "/bot/b/alias/a/user/u/session/"), 403, "MissingAuthenticationTokenException")
        assert_failed(ask.ask("GET", "/metrics"), 403, "MissingAuthenticationTokenException")
        assert [ask.ask("GET", path).status for path in ("/healthz", "/readyz", "/openapi.json")] == [200, 200, 200]


def test_a_right_that_a_key_lacks_is_denied(guarded: Guarded) -> None:
    lists = guarded.give(signing(rights=(Right.LIST,)))
    sessions = guarded.give(signing(rights=(Right.SESSIONS,)))
    with denied("AccessDeniedException"):
        guarded.listed(sessions)
    with denied("AccessDeniedException"):
        guarded.sdk(lists, "lex-runtime").get_session(botName="b", botAlias="a", userId="user")
    numbers = guarded.give(bearing(rights=(Right.ADMIN,)))
    with client(guarded.url) as ask:
        token = {"authorization": f"Bearer {guarded.give(bearing(rights=(Right.LIST,))).credential}"}
        assert_failed(ask.ask("GET", "/metrics", headers=token), 403, "AccessDeniedException")
        said = "/bot/b/alias/a/user/u/session/transcript"
        assert_failed(ask.ask("GET", said, headers=token), 403, "AccessDeniedException")
        ask_numbers(ask, numbers)
    metrics = LISTED | {"botId": BOT, "metrics": [{"name": "Count", "statistic": "Sum"}]}
    assert guarded.sdk(lists).list_session_metrics(**metrics)["results"]
    with denied("AccessDeniedException"):
        guarded.sdk(lists).list_utterance_metrics(**metrics)
    by_text: dict[str, Any] = {"filters": [{"name": "UtteranceText", "operator": "CO", "values": ["a"]}]}
    with denied("AccessDeniedException"):
        guarded.sdk(lists).list_session_metrics(**metrics, **by_text)
    with denied("AccessDeniedException"):
        guarded.sdk(lists).list_session_analytics_data(**LISTED, botId=BOT, **by_text)
    both = guarded.sdk(guarded.give(signing(rights=(Right.LIST, Right.TRANSCRIPTS))))
    assert both.list_session_metrics(**metrics, **by_text)["results"]
    assert both.list_session_analytics_data(**LISTED, botId=BOT, **by_text)["sessions"] == []
    said_only = guarded.sdk(guarded.give(signing(rights=(Right.TRANSCRIPTS,))))
    assert said_only.list_utterance_metrics(**metrics)["results"]
    with denied("AccessDeniedException"):
        said_only.list_intent_metrics(**metrics)


def ask_numbers(ask: Client, numbers: IssuedKey) -> None:
    ask._connection.request("GET", "/metrics", headers={"authorization": f"Bearer {numbers.credential}"})
    with ask._connection.getresponse() as response:
        assert response.status == 200
        assert b"turnfold_requests_total" in response.read()


def test_a_bot_that_a_key_may_not_see_is_as_one_without_data(guarded: Guarded) -> None:
    """To the last byte, but for the request's id; by a token of somebody else's page, too."""
    all_bots = guarded.give(bearing())
    narrow = guarded.give(bearing(bots=("BOTB*",)))
    with client(guarded.url) as ask:

        def post(bot: str, issued: IssuedKey, **more: object) -> tuple[int, object]:
            headers = {"authorization": f"Bearer {issued.credential}"}
            answer = ask.ask("POST", f"/bots/{bot}/analytics/sessions", msgspec.json.encode(WINDOW | more), headers)
            return answer.status, {**answer.body, "botId": ""} if "botId" in answer.body else answer.body

        assert post(OTHER_BOT, narrow) == post(OTHER_BOT, all_bots)
        assert post(BOT, narrow) == post("BOTXXXXXX1", all_bots) == (200, {"botId": "", "sessions": []})
        wrongs: list[dict[str, object]] = [
            {"maxResults": 5000},
            {"startDateTime": "x"},
            {"nextToken": "x"},
            {"filters": [{}]},
        ]
        for wrong in wrongs:
            assert post(BOT, narrow, **wrong) == post("BOTXXXXXX1", all_bots, **wrong)


def test_a_page_token_does_not_extend_the_bots_of_a_key(with_tables: Settings, guarded: Guarded) -> None:
    insert_rows(with_tables, *(conversation(number) for number in range(10, 20)))
    issued = guarded.give(signing())
    first = guarded.sdk(issued).list_session_analytics_data(botId=BOT, maxResults=3, **LISTED)
    follow = {"botId": BOT, "maxResults": 3, "nextToken": first["nextToken"], **LISTED}
    assert len(guarded.sdk(issued).list_session_analytics_data(**follow)["sessions"]) == 3
    narrowed = msgspec.structs.replace(issued.key, bots=(OTHER_BOT,))
    change_keys(guarded.keys, lambda _: [narrowed])
    after = guarded.sdk(issued).list_session_analytics_data(**follow)
    assert (after["sessions"], "nextToken" in after) == ([], False)


def test_a_session_of_a_bot_that_a_key_may_not_see_is_not_found(with_tables: Settings, tmp_path: Path) -> None:
    """By id, by name, and where two bots share one name: the one that may be seen answers."""
    now = round(time.time() * 1000)
    with asking_for_keys(with_tables, tmp_path / "keys.json") as guarded:
        insert_turns(with_tables, *_same_names(now))
        one, other = guarded.give(signing(bots=("BOTAAAAAA1",))), guarded.give(signing(bots=("BOTBBBBBB2",)))
        nobody = guarded.give(signing(bots=()))
        for issued, said in ((one, "of A"), (other, "of B")):
            v1 = guarded.sdk(issued, "lex-runtime")
            assert said in str(v1.get_session(botName="Travel", botAlias="live", userId="user"))
        v1 = guarded.sdk(one, "lex-runtime")
        for bot in ("BOTBBBBBB2", "Nothing"):
            with pytest.raises(v1.exceptions.NotFoundException, match="no session of user is open"):
                v1.get_session(botName=bot, botAlias="live", userId="user")
        v1 = guarded.sdk(nobody, "lex-runtime")
        with pytest.raises(v1.exceptions.NotFoundException, match="no session of user is open"):
            v1.get_session(botName="Travel", botAlias="live", userId="user")
        asked = {"botAliasId": "TSTALIASID", "localeId": "en_US", "sessionId": "user"}
        v2 = guarded.sdk(one, "lexv2-runtime")
        assert "of A" in str(v2.get_session(botId="BOTAAAAAA1", **asked))
        for bot in ("BOTBBBBBB2", "BOTXXXXXX1"):  # the error does not reveal whether the bot exists
            with pytest.raises(v2.exceptions.AccessDeniedException, match=f"no right to the bot {bot}"):
                v2.get_session(botId=bot, **asked)


def _same_names(now: int) -> list[Entry]:
    """Two bots of one name, with one user's session each; the clock of the SDK is the real one."""
    bots = {"BOTAAAAAA1": "of A", "BOTBBBBBB2": "of B"}
    return [
        v2(timestamp=iso(now - 10_000), requestId=bot, sessionId="user", bot={"id": bot}, conversation=bot,
           messages=[{"contentType": "PlainText", "content": said}])
        for bot, said in bots.items()
    ]  # fmt: skip


def test_too_many_requests_are_throttled_as_by_aws(guarded: Guarded) -> None:
    slow, other = guarded.give(signing(rate=0.3)), guarded.give(signing())
    lex = guarded.sdk(slow)
    for _ in range(3):
        guarded.listed(slow)
    with pytest.raises(lex.exceptions.ThrottlingException) as raised:
        lex.list_session_analytics_data(botId=BOT, **LISTED)
    assert raised.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "4"
    assert guarded.listed(other) == ["session-1"]


def test_the_sdk_gets_through_by_itself_when_it_was_throttled(guarded: Guarded) -> None:
    """It waits and tries again; what it sends then is no replay."""
    issued = guarded.give(signing(rate=1.0))
    account = {"aws_access_key_id": issued.key.id, "aws_secret_access_key": issued.credential}
    patient = Config(retries={"max_attempts": 8, "mode": "standard"})
    lex = boto3.client("lexv2-models", endpoint_url=guarded.url, region_name="eu-west-1", config=patient, **account)
    assert all(lex.list_session_analytics_data(botId=BOT, **LISTED)["sessions"] for _ in range(12))


def test_all_requests_are_refused_while_the_keys_cannot_be_read(guarded: Guarded) -> None:
    token = {"authorization": f"Bearer {guarded.give(bearing()).credential}"}
    guarded.keys.chmod(0o644)
    with client(guarded.url) as ask:
        answer = ask.ask("POST", SESSIONS, msgspec.json.encode(WINDOW), token)
        assert_failed(answer, 500, "InternalServerException", "all requests are refused")
        assert str(guarded.keys) not in answer.body["message"]
        assert ask.ask("GET", "/readyz").status == 500
        guarded.keys.chmod(0o600)
        assert ask.ask("POST", SESSIONS, msgspec.json.encode(WINDOW), token).status == 200
