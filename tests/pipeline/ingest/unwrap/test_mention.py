"""A session id is found in broken input however it is escaped or wrapped, and no other id is."""

import base64
import gzip
import json

import pytest

from pipeline.ingest.unwrap.mention import mentions

MOST = 1_048_576
ID = 'Zoë "42"'


def told(raw: bytes, session: str = ID, bots: tuple[str, ...] = ()) -> bool:
    return mentions(raw, session, bots, MOST)


def envelope(message: str) -> bytes:
    events = [{"id": "1", "timestamp": 1, "message": message}]
    return json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode()


@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_id_is_found_whole_cut_off_nested_and_packed(ascii_only: bool) -> None:  # noqa: FBT001 - a parameter
    entry = json.dumps({"sessionId": ID, "bot": {"id": "BOTAAAAAA1"}}, ensure_ascii=ascii_only)
    assert told(entry.encode())
    assert told(entry.encode()[: -len("}}")])
    assert told(envelope(entry))
    packed = gzip.compress(envelope(entry))
    assert told(packed)
    assert told(base64.b64encode(packed))
    assert told(json.dumps({"deep": [{"userId": ID}]}, ensure_ascii=ascii_only).encode())


def test_another_id_is_not() -> None:
    entry = json.dumps({"sessionId": ID + "1", "other": "x" + ID})
    assert not told(entry.encode())
    assert not told(envelope(entry))
    assert not told(b"")
    assert not told(b"\xff\x00")
    assert not told(gzip.compress(b"{}")[:-3])


def test_of_one_bot_only_what_names_it_too() -> None:
    entry = json.dumps({"sessionId": ID, "bot": {"id": "BOTAAAAAA1"}}).encode()
    assert told(entry, bots=("BOTAAAAAA1", "Travel"))
    assert not told(entry, bots=("BOTBBBBBB2",))
