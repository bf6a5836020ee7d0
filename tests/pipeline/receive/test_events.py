import gzip
from pathlib import Path

import orjson
import pytest

from schemas.access_key import Right
from tests.events import raw
from tests.pipeline.http.serving import Answer
from tests.pipeline.receive.receiving import Receiver, token_for
from tests.pipeline.receive.sending import forms

ENTRIES = [raw(requestId=f"request-{number}") for number in range(5)]
BODIES = {
    "an entry": (ENTRIES[0], 1),
    "lines": (b"\n".join(ENTRIES), 5),
    "an array": (b"[" + b",".join(ENTRIES) + b"]", 5),
    "an indented array": (orjson.dumps([orjson.loads(entry) for entry in ENTRIES], option=orjson.OPT_INDENT_2), 5),
    **{name: (record, 5) for name, record in forms(ENTRIES).items()},
}


def post(receiver: Receiver, body: bytes, token: str | None = None, **more: str) -> Answer:
    authorization = {"Authorization": f"Bearer {receiver.token if token is None else token}"}
    return receiver.client.ask("POST", "/events", body, authorization | more)


@pytest.mark.parametrize("form", BODIES)
def test_every_form_is_counted_and_kept(receiver: Receiver, form: str) -> None:
    body, number = BODIES[form]
    for sent, more in ((body, {}), (gzip.compress(body), {"Content-Encoding": "gzip"})):
        answer = post(receiver, sent, **more)
        assert (answer.status, answer.body) == (200, {"entries": number, "dead": 0})
    assert [orjson.loads(entry) for entry in receiver.entries()] == [
        orjson.loads(entry) for entry in sorted(ENTRIES[:number] * 2)
    ]


def test_what_is_no_entry_is_counted_and_kept_as_a_dead_letter(receiver: Receiver) -> None:
    answer = post(receiver, b"\n".join([ENTRIES[0], b"{", b'{"a":1}', ENTRIES[1], b"text"]))
    assert (answer.status, answer.body) == (200, {"entries": 2, "dead": 3})
    assert receiver.entries() == ENTRIES[:2]
    letters = [record.letter for record in receiver.dead()]
    assert [(letter.topic, letter.offset, letter.payload) for letter in letters if letter] == [
        ("Events", 1, b"{"),
        ("Events", 2, b'{"a":1}'),
        ("Events", 4, b"text"),
    ]


@pytest.mark.parametrize(("body", "more"), [(b"", {}), (b" \n", {}), (b"{", {"Content-Encoding": "gzip"})])
def test_what_cannot_be_read_at_all_is_refused(receiver: Receiver, body: bytes, more: dict[str, str]) -> None:
    answer = post(receiver, body, **more)
    assert answer.status == 400
    assert answer.body["message"]


def test_a_body_has_a_limit(receiver: Receiver) -> None:
    large = b" " * (receiver.settings.max_message_bytes + 1)
    assert post(receiver, large).status == 400
    assert post(receiver, gzip.compress(large), **{"Content-Encoding": "gzip"}).status == 400


def test_a_key_is_required(receiver: Receiver, tmp_path: Path) -> None:
    assert post(receiver, ENTRIES[0], "wrong").status == 403
    assert post(receiver, ENTRIES[0], token_for(tmp_path / "keys.json", Right.LIST)).status == 403
    answer = receiver.client.ask("POST", "/events", ENTRIES[0])
    assert answer.status == 403
    assert "keys add" in answer.body["message"]
    assert receiver.entries() == []
