"""Log entries in every kind of wrapping, and helpers to read them."""

import base64
import gzip
from collections.abc import Callable

import orjson

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.ingest.unwrap.envelope import unwrap
from pipeline.runtime.errors import InvalidEventError, Reason
from tests.events import raw

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
    """Return the payloads of the entries, and the reasons of what is no entry."""
    return [one.invalid.reason if isinstance(one, Unreadable) else one[1] for one in read_entries(data, reading)]


def told(data: bytes, reading: EventDecoder = READING) -> str:
    """Return the detail of the one thing in it that is no entry."""
    (one,) = (one for one in read_entries(data, reading) if isinstance(one, Unreadable))
    return one.invalid.detail


def texts(data: bytes) -> list[bytes]:
    """Return the texts that are left once nothing more can be opened."""

    def refuse(_: bytes) -> bytes:
        raise InvalidEventError(Reason.NOT_JSON, "no entry")

    return [one.raw for one in unwrap(data, LIMIT, refuse) if isinstance(one, Unreadable)]


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
