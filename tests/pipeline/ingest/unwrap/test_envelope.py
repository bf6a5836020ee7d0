"""Entries in any wrapping are found; what is broken has a reason that names where it stands; nothing costs too much."""

import base64
import gzip
import resource
from collections.abc import Callable

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.envelope import MAX_DEAD_LETTERS, MAX_LAYERS, unwrap
from pipeline.ingest.unwrap.opening import Unreadable
from pipeline.runtime.errors import InvalidEventError, Reason
from tests.effort import examples
from tests.events import raw
from tests.paths import FIXTURES

LIMIT = 65_536
READING = EventDecoder(LIMIT, LIMIT)
LARGE = EventDecoder.of(Settings())


def envelope(*messages: str, kind: str = "DATA_MESSAGE") -> bytes:
    events = [{"id": str(n), "timestamp": n, "message": message} for n, message in enumerate(messages)]
    return orjson.dumps({"messageType": kind, "logGroup": "g", "logEvents": events})


def based(text: bytes) -> str:
    return base64.b64encode(text).decode()


def awslogs(text: bytes) -> bytes:
    return orjson.dumps({"awslogs": {"data": based(gzip.compress(text))}})


def found(data: bytes, reading: EventDecoder = READING) -> list[bytes | Reason]:
    """The payloads of the entries in it, and the reasons of what is none."""
    return [one.invalid.reason if isinstance(one, Unreadable) else one[1] for one in read_entries(data, reading)]


def told(data: bytes, reading: EventDecoder = READING) -> str:
    """What is told of the one thing in it that is no entry."""
    (one,) = (one for one in read_entries(data, reading) if isinstance(one, Unreadable))
    return one.invalid.detail


def texts(data: bytes) -> list[bytes]:
    """All that a reader is asked to take, once nothing more can be opened."""

    def refuse(_: bytes) -> bytes:
        raise InvalidEventError(Reason.NOT_JSON, "no entry")

    return [one.raw for one in unwrap(data, LIMIT, refuse) if isinstance(one, Unreadable)]


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


def test_a_bare_entry_is_itself_even_where_it_speaks_of_envelopes() -> None:
    for entry in (raw(), raw(inputTranscript='what is "awslogs"?'), raw(message="{}", logEvents=[], events=[{}])):
        assert found(entry) == [entry]


ENTRY = raw(inputTranscript='sölar \\ "\U0001f600"\n')
TEXT = ENTRY.decode()
OTHER = raw(requestId="request-2")

WRAPPINGS: dict[str, Callable[[bytes], bytes]] = {
    "message": lambda one: orjson.dumps({"level": "INFO", "message": one.decode()}),
    "an object as message": lambda one: b'{"@timestamp":1,"message":' + one + b"}",
    "log": lambda one: orjson.dumps({"log": one.decode() + "\n", "stream": "stdout"}),
    "@message": lambda one: orjson.dumps({"@timestamp": "2026-06-01", "@message": one.decode(), "@ptr": "x"}),
    "events[]": lambda one: orjson.dumps({"events": [{"logStreamName": "s", "message": one.decode()}]}, option=2),
    "kinesis": lambda one: orjson.dumps({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": based(one)}}]}),
    "get-records": lambda one: orjson.dumps({"Records": [{"Data": based(one), "PartitionKey": "1"}]}),
    "Sns": lambda one: orjson.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": one.decode()}}]}),
    "SQS": lambda one: orjson.dumps({"Records": [{"messageId": "1", "body": one.decode(), "eventSource": "aws:sqs"}]}),
    "receive-message": lambda one: orjson.dumps({"Messages": [{"Body": one.decode()}]}),
    "notification": lambda one: orjson.dumps({"Type": "Notification", "Message": one.decode()}),
    "firehose": lambda one: orjson.dumps({"records": [{"recordId": "1", "data": based(one)}]}),
    "eventbridge": lambda one: b'{"detail-type":"x","detail":' + one + b"}",
    "insights": lambda one: orjson.dumps({"results": [[{"field": "@message", "value": one.decode()}]]}),
    "insights console": lambda one: b'[{"@timestamp":"2026-06-01 00:00:00.000","@message":' + one + b"}]",
    "csv": lambda one: b'2026-06-09 02:19:15.846,"' + one.replace(b'"', b'""') + b'"',
    "csv, message first": lambda one: b'"' + one.replace(b'"', b'""') + b'",2026-06-09 02:19:15.846',
    "a JSON string": lambda one: orjson.dumps(one.decode()),
    "a JSON string of one": lambda one: orjson.dumps(orjson.dumps(one.decode()).decode()),
    "awslogs": lambda one: awslogs(envelope(one.decode())),
    "gzip": gzip.compress,
    "base64": base64.b64encode,
    "base64 in lines": lambda one: base64.encodebytes(gzip.compress(one)),
    "an array": lambda one: b"[ " + one + b" ]",
    "a stamp": lambda one: b"2026-06-09T02:19:15.846Z " + one,
    "tail": lambda one: b"2026-06-09T02:19:15.846000+00:00 2026/06/09/stream " + one,
    "cri": lambda one: b"2026-06-09T02:19:15.846000000Z stdout F " + one,
    "a mark": lambda one: b"\xef\xbb\xbf" + one,
    "utf-16": lambda one: one.decode().encode("utf-16"),
    "utf-32": lambda one: one.decode().encode("utf-32"),
}


@pytest.mark.parametrize("name", WRAPPINGS)
def test_an_entry_comes_out_of_its_wrapping_byte_for_byte(name: str) -> None:
    assert found(WRAPPINGS[name](ENTRY)) == [ENTRY]


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


def test_any_number_of_byte_order_marks_may_stand_before_an_entry() -> None:
    marks = b"\xef\xbb\xbf" * 20_000
    assert found(marks + ENTRY) == [ENTRY]
    assert found(b"[" + ENTRY + b"]" + marks + b"x") == [Reason.WRONG_SHAPE]


@pytest.mark.parametrize("between", [b"\n", b"", b"\r\n\xef\xbb\xbf", b"\n\n", b" \n"])
def test_entries_one_behind_the_other_are_all_read(between: bytes) -> None:
    assert found(between.join((ENTRY, OTHER, ENTRY))) == [ENTRY, OTHER, ENTRY]
    assert found(WRAPPINGS["kinesis"](between.join((ENTRY, OTHER)))) == [ENTRY, OTHER]


def test_gzip_of_several_members_is_read_to_its_end() -> None:
    packed = gzip.compress(ENTRY) + b"\r\n \0" + gzip.compress(b"\n" + OTHER) + b"\0" * 9 + b"\n"
    assert found(packed) == [ENTRY, OTHER]
    assert found(packed + b"x") == [ENTRY, OTHER, Reason.BAD_ENVELOPE]


def test_good_neighbours_of_what_is_broken_live() -> None:
    data = orjson.dumps({"Records": [{"kinesis": {"data": "%%%"}}, 5, {"kinesis": {"data": based(ENTRY)}}]})
    assert found(data) == [Reason.BAD_ENVELOPE, Reason.WRONG_SHAPE, ENTRY]
    assert found(b"[1," + ENTRY + b",{}]") == [Reason.WRONG_SHAPE, ENTRY, Reason.WRONG_SHAPE]
    events = b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5},{},7,{"message":%s}]}' % orjson.dumps(TEXT)
    assert found(events) == [*[Reason.BAD_ENVELOPE] * 3, ENTRY]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (gzip.compress(raw(), mtime=0)[:-12], Reason.BAD_ENVELOPE),
        (b"\x1f\x8bnonsense", Reason.BAD_ENVELOPE),
        (b"H4sInot base64!", Reason.BAD_ENVELOPE),
        (envelope("x", kind="NEWS"), Reason.BAD_ENVELOPE),
        (b'{"messageType":"DATA_MESSAGE","logEvents":[{"message":5}]}', Reason.BAD_ENVELOPE),
        (b'{"awslogs":{"data":"%%%"}}', Reason.BAD_ENVELOPE),
        (b"x" * (LIMIT + 1), Reason.TOO_LARGE),
        (gzip.compress(b"\0" * (65 * LIMIT), mtime=0), Reason.TOO_LARGE),
        (b"\xff\xfe\x00", Reason.NOT_UTF8),
        (b"[]", Reason.WRONG_SHAPE),
        (b"", Reason.EMPTY),
        (b'"hello"', Reason.WRONG_SHAPE),
        (b"{", Reason.NOT_JSON),
        ('{"a":1}'.encode("utf-16-le"), Reason.NOT_JSON),
    ],
)
def test_what_is_broken_has_its_reason(data: bytes, expected: Reason) -> None:
    assert found(data) == [expected]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"message":"started","level":"INFO"}', "a line of a log shipper (message): it holds no log entry"),
        (b'{"Records":[{"s3":{"object":{"key":"x"}}}]}', "in Records[0]: an S3 event notification"),
        (b'{"Records":[{"s3":{"object":{"key":"x"}}}]}', "turnfold backfill"),
        (b'{"resourceLogs":[]}', "logs of OpenTelemetry"),
        (b'{"results":[[{"field":"@ptr","value":"x"}]]}', "Insights without @message"),
        (b'{"log":"{\\"botName\\":1}"}', "in log: invalid Lex V1 log entry"),
        (orjson.dumps({"events": [{"message": "{"}]}), "in events[0].message: "),
        (gzip.compress(envelope("{}")), "in gzip.logEvents[0].message: "),
        ('{"a":1}'.encode("utf-16-le"), "UTF-16 without a byte order mark"),
    ],
)
def test_the_reason_names_the_wrapper(data: bytes, words: str) -> None:
    assert words in told(data)


HALF = raw(inputTranscript="thanks ?").replace(b"?", b"\\ud83d")


@pytest.mark.parametrize(
    "cut",
    [b"\\ud83d", b"\\uDE00 \\\\", b"\\ud83d\\ud83d\\ude00", b"\xed\xa0\xbd", b"\xed\xa0", b"\xf0\x9f\x98", b"\x98\x80",
     b"\xed\xa0\xbd\xed\xb8\x80"],
)  # fmt: skip
def test_half_a_character_costs_neither_the_entry_nor_its_neighbours(cut: bytes) -> None:
    half = raw(inputTranscript="thanks ?").replace(b"?", cut)
    message = b'{"events":[{"message":"' + half.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"},{"message":5}]}'
    for data in (half, b"[" + ENTRY + b", " + half + b"," + half + b"]", half + b"\n" + ENTRY, message):
        assert half in found(data)
        assert (ENTRY in found(data)) == (ENTRY in data)
    assert half in found(b'{"@message":' + half + b', "x":"\\ud83d"}')


def test_half_a_character_in_an_id_is_replaced_in_what_is_folded() -> None:
    for half in (b"\\ud83d", b"\xed\xa0\xbd", b"\xf0\x9f\x98"):
        turn, kept = LARGE.entry(raw(sessionId="?-1").replace(b"?", half))
        assert turn.session_id == "\ufffd-1"
        assert half in kept


def nested(depth: int) -> bytes:
    data = b"{}"
    for _ in range(depth):
        data = awslogs(data)
    return data


@pytest.mark.parametrize("depth", [MAX_LAYERS, 100, 505])
def test_wrappers_upon_wrappers_are_too_deep(depth: int) -> None:
    assert found(nested(depth), LARGE) == [Reason.TOO_DEEP]


@pytest.mark.parametrize("brackets", [b"[", b'{"a":', b'[{"a":', b'{"message":'])
def test_levels_upon_levels_are_too_deep_wherever_they_stand(brackets: bytes) -> None:
    deep = brackets * 100_000
    for data in (deep, gzip.compress(deep), orjson.dumps({"message": "[" + deep.decode()})):
        assert found(data, LARGE) == [Reason.TOO_DEEP]


def grown(data: bytes) -> int:
    """Bytes that the process has grown by, at its most, to read it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found(data, LARGE)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def test_one_budget_is_for_all_layers_of_a_message() -> None:
    """Each layer fits by itself; together they are too much, and memory does not hold them all."""
    data = b"x"
    for _ in range(6):
        padding = b" " * 20_000_000
        data = gzip.compress(b'{"awslogs":{"data":"%s"},"p":"%s"}' % (base64.b64encode(data), padding), 1)
    assert found(data, LARGE) == [Reason.TOO_LARGE]
    assert grown(data) < 400_000_000


def test_a_list_of_very_many_values_is_not_held() -> None:
    assert found(gzip.compress(b"[" + b"1," * 10_000_000 + b"1]", 1), LARGE) == [Reason.TOO_LARGE]
    assert found(gzip.compress(b'{"logEvents":[' + b"{}," * 10_000_000 + b"1]}", 1), LARGE) == [Reason.TOO_LARGE]
    assert found(gzip.compress(b"{x\n{}" + b"\n" * 10_000_000 + b"x", 1), LARGE) == [Reason.TOO_LARGE]


def test_one_message_is_a_bounded_number_of_letters() -> None:
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
