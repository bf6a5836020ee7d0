"""The table of what log entries come wrapped in, by members that tell: what AWS, its CLI and log shippers make of them.

A wrapper that is not in it is not opened; one that is, but holds nothing that can be read, is named by the dead letter.
"""

from typing import Final, NamedTuple

import msgspec

from pipeline.runtime.half_characters import mended_escapes
from pipeline.runtime.json_depth import too_deep


class Wrapper(NamedTuple):
    """An object with `member`, behind which the members of `path` lead to the text, or object, that is wrapped.

    Where it is a list, each of `items` is taken, or each as a whole where `items` is empty.
    """

    name: str
    member: str
    path: tuple[str, ...] = ()
    is_list: bool = False
    items: str = ""
    base64: bool = False

    @property
    def title(self) -> str:
        """What a dead letter calls it."""
        return f"{self.name} ({'.'.join((self.member, *self.path))})"


WRAPPERS: Final = (
    Wrapper("a CloudWatch Logs subscription event", "awslogs", ("data",), base64=True),
    Wrapper("a CloudWatch Logs envelope", "logEvents", is_list=True, items="message"),
    Wrapper("an answer of CloudWatch Logs", "events", is_list=True, items="message"),
    Wrapper("an answer of CloudWatch Logs Insights", "results", is_list=True),
    Wrapper("an event of Kinesis, SNS or SQS", "Records", is_list=True),
    Wrapper("an event of Firehose or Kafka", "records", is_list=True),
    Wrapper("an answer of SQS", "Messages", is_list=True),
    Wrapper("a record of Kinesis", "kinesis", ("data",), base64=True),
    Wrapper("a record of SNS", "Sns", ("Message",)),
    Wrapper("a record of SQS", "body"),
    Wrapper("a message of SQS", "Body"),
    Wrapper("a notification of SNS", "Message"),
    Wrapper("a record of Kinesis", "Data", base64=True),
    Wrapper("a record of Firehose", "data", base64=True),
    Wrapper("a record of Kafka", "value", base64=True),
    Wrapper("an event of EventBridge", "detail"),
    Wrapper("a row of CloudWatch Logs Insights", "@message"),
    Wrapper("a line of a log shipper", "message"),
    Wrapper("a line of a container's log", "log"),
    Wrapper("an event of a log shipper", "event"),
    Wrapper("a record of a log shipper", "payload"),
)
"""The outer ones come first: what has several of these members is the first of them that holds something."""

UNREAD: Final = (
    Wrapper("an S3 event notification, of a file that `turnfold backfill` reads", "s3"),
    Wrapper("a change of a DynamoDB table", "dynamodb"),
    Wrapper("logs of OpenTelemetry", "resourceLogs"),
)
"""What is known, and not opened."""

FIELDS: Final = (b'"@message"', b'"message"', b'"log"')
"""What Insights calls the text of a row, in rows that are lists of fields."""

_ALL: Final = WRAPPERS + UNREAD
_NOTHING: Final = msgspec.Raw()

_WrapperMembers = msgspec.defstruct(
    "_WrapperMembers",
    [(f"member_{place}", msgspec.Raw, _NOTHING) for place in range(len(_ALL))] + [("kind", msgspec.Raw, _NOTHING)],
    rename={f"member_{place}": each.member for place, each in enumerate(_ALL)} | {"kind": "messageType"},
    gc=False,
)
_members = msgspec.json.Decoder(_WrapperMembers)


class WrapperMembers(NamedTuple):
    """The members of an object that tell of wrappers, in the order of the table, and CloudWatch's `messageType`."""

    wrapped: list[tuple[Wrapper, msgspec.Raw]]
    kind: bytes


def wrapper_members(text: bytes) -> WrapperMembers:
    """Find what an object may wrap something in. It must not be nested too deep.

    Raises:
        msgspec.DecodeError: it is no object, or no JSON.
    """
    found = msgspec.structs.astuple(_members.decode(text))
    wrapped = [(each, raw) for each, raw in zip(_ALL, found, strict=False) if bytes(raw) not in {b"", b"null"}]
    return WrapperMembers(wrapped, bytes(found[-1]))


def listed(text: bytes) -> bytes:
    """Give the list of an object that wraps one: what `aws logs filter-log-events` writes may have any size."""
    if too_deep(text):
        return b""
    try:
        found = wrapper_members(mended_escapes(text))
    except msgspec.DecodeError:
        return b""
    return next((bytes(raw) for wrapper, raw in found.wrapped if wrapper.is_list), b"")


def name_of(text: bytes) -> str:
    """Name the wrapper that an object is; empty where it is none, or no object. It must not be nested too deep."""
    try:
        found = wrapper_members(text)
    except msgspec.DecodeError:
        return ""
    return found.wrapped[0][0].title if found.wrapped else ""
