"""Entries are found in any wrapping; broken input has a reason that names its place; costs are limited."""

import base64
import gzip
import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.decoder import read_entries
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.ingest.unwrap.envelope import MAX_DEAD_LETTERS, MAX_LAYERS, mentions
from pipeline.runtime.errors import Reason
from tests.effort import IN_SEARCH, examples
from tests.events import raw
from tests.paths import FIXTURES
from tests.pipeline.ingest.unwrap.wrapped_entries import (
    ENTRY,
    LARGE,
    READING,
    TEXT,
    WRAPPINGS,
    awslogs,
    based,
    envelope,
    found,
    texts,
)


@pytest.mark.parametrize("fixture", ["cloudwatch-envelope.json", "cloudwatch-awslogs.json"])
def test_a_subscription_envelope_gives_its_entries(fixture: str) -> None:
    entries = found((FIXTURES / fixture).read_bytes())
    assert [orjson.loads(one)["sessionId"] for one in entries] == ["visitor-3141", "caller-2718"]


@given(st.lists(st.text("abc ü\U0001f600"), max_size=4))
def test_every_wrapping_carries_the_same_texts(messages: list[str]) -> None:
    plain = envelope(*messages)
    packed = gzip.compress(plain)
    for wrapped in (plain, packed, base64.b64encode(packed), awslogs(plain)):
        assert texts(wrapped) == [message.encode() for message in messages]


def test_a_control_message_carries_nothing() -> None:
    assert found((FIXTURES / "cloudwatch-control-message.json").read_bytes()) == []
    assert found(gzip.compress(envelope("check", kind="CONTROL_MESSAGE"))) == []


def test_a_bare_entry_is_not_unwrapped_even_if_it_mentions_envelopes() -> None:
    for entry in (raw(), raw(inputTranscript='what is "awslogs"?'), raw(message="{}", logEvents=[], events=[{}])):
        assert found(entry) == [entry]


OUTERMOST = (
    *("csv", "csv, message first", "a stamp", "tail", "cri", "a mark"),
    *("utf-16", "utf-32", "base64", "base64 in lines"),
)
"""What is no JSON, so that nothing but bytes can be around it."""


INNER = sorted(set(WRAPPINGS) - set(OUTERMOST))


@given(st.lists(st.sampled_from(INNER), max_size=5), st.sampled_from(OUTERMOST), st.text())
@settings(deadline=None)
def test_wrapped_again_and_again_it_still_comes_out(names: list[str], outermost: str, said: str) -> None:
    wrapped = entry = raw(inputTranscript=said)
    for name in names:
        if wrapped.startswith(b"\x1f"):
            wrapped = WRAPPINGS["kinesis"](wrapped)  # gzip is no text: others do not take it
        wrapped = WRAPPINGS[name](wrapped)
    assert found(wrapped, LARGE) == [entry]
    if wrapped.startswith(b"{"):
        assert found(WRAPPINGS[outermost](wrapped), LARGE) == [entry]


HALF = raw(inputTranscript="thanks ?").replace(b"?", b"\\ud83d")


def test_half_a_character_in_an_id_is_replaced_in_the_turn() -> None:
    for half in (b"\\ud83d", b"\xed\xa0\xbd", b"\xf0\x9f\x98"):
        turn, kept = LARGE.decode(raw(sessionId="?-1").replace(b"?", half))
        assert turn.session_id == "\ufffd-1"
        assert half in kept


def nested(depth: int) -> bytes:
    data = b"{}"
    for _ in range(depth):
        data = awslogs(data)
    return data


@pytest.mark.parametrize("depth", [MAX_LAYERS, 100, pytest.param(505, marks=IN_SEARCH)])
def test_wrappers_upon_wrappers_are_too_deep(depth: int) -> None:
    assert found(nested(depth), LARGE) == [Reason.TOO_DEEP]


@pytest.mark.parametrize("brackets", [b"[", b'{"a":', b'[{"a":', b'{"message":'])
def test_levels_upon_levels_are_too_deep_wherever_they_stand(brackets: bytes) -> None:
    deep = brackets * 100_000
    for data in (deep, gzip.compress(deep), orjson.dumps({"message": "[" + deep.decode()})):
        assert found(data, LARGE) == [Reason.TOO_DEEP]


def test_one_message_is_a_limited_number_of_dead_letters() -> None:
    empty = b'{"messageType":"DATA_MESSAGE","logEvents":[' + b'{"message":""},' * 1_000_000 + b'{"message":""}]}'
    assert found(gzip.compress(empty), LARGE) == [Reason.TOO_LARGE]
    some = envelope(TEXT, *["x"] * 1_000, TEXT)
    entries = found(some)
    assert entries.count(Reason.NOT_JSON) == MAX_DEAD_LETTERS + 1
    assert entries.count(ENTRY) == 2
    *_, last = read_entries(some, READING)
    assert isinstance(last, Unreadable)
    assert last.raw == some, "the last letter keeps what is not kept one by one"
    assert f"{1_000 - MAX_DEAD_LETTERS} more" in last.invalid.detail


PIECES = st.sampled_from([
    b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b"\\ud83d", b"\xff", b"\xed\xa0", b"\xf0\x9f", b"\n", b" ", b"\0",
    b'"message"', b'"Records"', b'"kinesis"', b'"data"', b'"log"', b'"events"', b'"results"', b'"field"', b'"value"',
    b"H4sI", b"eyJ", b"e30=", b"1e999", b"9" * 5000, b"null", b"NaN", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b\x08",
    b"2026-06-09T02:19:15.846Z ", raw(), orjson.dumps(raw().decode()), gzip.compress(raw()), based(raw()).encode(),
])  # fmt: skip


@given(st.lists(PIECES, max_size=12).map(b"".join))
@settings(deadline=None, max_examples=examples(500))
def test_any_bytes_are_entries_or_reasons_and_never_another_error(data: bytes) -> None:
    for one in found(data):
        assert isinstance(one, Reason | bytes)


@given(st.sampled_from(sorted(WRAPPINGS)), st.data())
@settings(deadline=None, max_examples=examples(300))
def test_a_damaged_wrapping_is_entries_or_reasons(name: str, data: st.DataObject) -> None:
    wrapped = bytearray(WRAPPINGS[name](ENTRY))
    for _ in range(data.draw(st.integers(1, 3))):
        wrapped[data.draw(st.integers(0, len(wrapped) - 1))] = data.draw(st.integers(0, 255))
    assert all(isinstance(one, Reason | bytes) for one in found(bytes(wrapped)))


MOST = 1_048_576
ID = 'Zoë "42"'


def told(raw: bytes, session: str = ID, bots: tuple[str, ...] = ()) -> bool:
    return mentions(raw, session, bots, MOST)


def delivery(message: str) -> bytes:
    events = [{"id": "1", "timestamp": 1, "message": message}]
    return json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode()


@pytest.mark.parametrize("ascii_only", [True, False])
def test_an_id_is_found_whole_cut_off_nested_and_packed(ascii_only: bool) -> None:  # noqa: FBT001 - a parameter
    entry = json.dumps({"sessionId": ID, "bot": {"id": "BOTAAAAAA1"}}, ensure_ascii=ascii_only)
    assert told(entry.encode())
    assert told(entry.encode()[: -len("}}")])
    assert told(delivery(entry))
    packed = gzip.compress(delivery(entry))
    assert told(packed)
    assert told(base64.b64encode(packed))
    assert told(json.dumps({"deep": [{"userId": ID}]}, ensure_ascii=ascii_only).encode())


def test_another_id_is_not() -> None:
    entry = json.dumps({"sessionId": ID + "1", "other": "x" + ID})
    assert not told(entry.encode())
    assert not told(delivery(entry))
    assert not told(b"")
    assert not told(b"\xff\x00")
    assert not told(gzip.compress(b"{}")[:-3])


def test_of_one_bot_only_what_names_it_too() -> None:
    entry = json.dumps({"sessionId": ID, "bot": {"id": "BOTAAAAAA1"}}).encode()
    assert told(entry, bots=("BOTAAAAAA1", "Travel"))
    assert not told(entry, bots=("BOTBBBBBB2",))
