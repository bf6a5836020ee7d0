"""Wrappers are known by their members, and named in dead letters."""

import gzip

import orjson
import pytest

from pipeline.ingest.unwrap.wrappers import UNSUPPORTED, WRAPPERS, listed, wrapper_members, wrapper_name
from tests.pipeline.ingest.unwrap.wrapped_entries import envelope, told


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


def test_members_that_wrap_something_come_in_the_order_of_the_table() -> None:
    text = b'{"log":"{}","messageType":"DATA_MESSAGE","logEvents":[],"detail":null,"other":1}'
    members = wrapper_members(text)
    assert [(wrapper.member, bytes(raw)) for wrapper, raw in members.wrapped] == [
        ("logEvents", b"[]"),
        ("log", b'"{}"'),
    ]
    assert members.kind == b'"DATA_MESSAGE"'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'{"awslogs":{"data":""}}', "a CloudWatch Logs subscription event (awslogs.data)"),
        (b'{"s3":{}}', "an S3 event notification, whose file `turnfold backfill` can read (s3)"),
        (b'{"sessionId":"s"}', ""),
        (b"[]", ""),
        (b"{", ""),
    ],
)
def test_an_object_is_named_by_the_wrapper_that_it_is(text: bytes, name: str) -> None:
    assert wrapper_name(text) == name


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        (b'{"events":[{"message":"a"}],"nextToken":"x"}', b'[{"message":"a"}]'),
        (b'{"message":"a"}', b""),
        (b"{", b""),
        (b'{"events":' + b"[" * 1000, b""),
    ],
)
def test_the_list_of_an_object_is_found_whatever_its_size(text: bytes, elements: bytes) -> None:
    assert listed(text) == elements


def test_no_two_wrappers_have_the_same_member() -> None:
    members = [wrapper.member for wrapper in (*WRAPPERS, *UNSUPPORTED)]
    assert len(members) == len(set(members))
