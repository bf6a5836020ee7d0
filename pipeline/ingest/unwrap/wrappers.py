"""The table of known wrappers around log entries, by their members: those of AWS, its CLI and log shippers.

Other wrappers are not opened. If a known one holds nothing that can be read, the dead letter names it.
"""

from typing import Final, NamedTuple

import msgspec

from pipeline.runtime.half_characters import mended_escapes
from pipeline.runtime.json_depth import too_deep


class Wrapper(NamedTuple):
    """An object with `member`, in which `path` leads to the wrapped text or object.

    If that is a list, each element's `items` member is taken, or each element as a whole if `items` is empty.
    """

    name: str
    member: str
    path: tuple[str, ...] = ()
    is_list: bool = False
    items: str = ""
    base64: bool = False

    @property
    def title(self) -> str:
        """Return the wrapper's name in dead letters."""
        return f"{self.name} ({'.'.join((self.member, *self.path))})"


WRAPPERS: Final = (
    Wrapper("a CloudWatch Logs subscription event", "awslogs", ("data",), base64=True),
    Wrapper("a CloudWatch Logs envelope", "logEvents", is_list=True, items="message"),
    Wrapper("a response of CloudWatch Logs", "events", is_list=True, items="message"),
    Wrapper("a response of CloudWatch Logs Insights", "results", is_list=True),
    Wrapper("an event of Kinesis, SNS or SQS", "Records", is_list=True),
    Wrapper("an event of Firehose or Kafka", "records", is_list=True),
    Wrapper("a response of SQS", "Messages", is_list=True),
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
"""Outer wrappers come first: an object with several of these members is the first wrapper that holds something."""

UNSUPPORTED: Final = (
    Wrapper("an S3 event notification, whose file `turnfold backfill` can read", "s3"),
    Wrapper("a change of a DynamoDB table", "dynamodb"),
    Wrapper("logs of OpenTelemetry", "resourceLogs"),
)
"""Known wrappers that are not opened."""

FIELDS: Final = (b'"@message"', b'"message"', b'"log"')
"""Names of the text field in Insights rows that are lists of fields."""

_ALL: Final = WRAPPERS + UNSUPPORTED
_NOTHING: Final = msgspec.Raw()

_WrapperMembers = msgspec.defstruct(
    "_WrapperMembers",
    [(f"member_{index}", msgspec.Raw, _NOTHING) for index in range(len(_ALL))] + [("kind", msgspec.Raw, _NOTHING)],
    rename={f"member_{index}": wrapper.member for index, wrapper in enumerate(_ALL)} | {"kind": "messageType"},
    gc=False,
)
_members = msgspec.json.Decoder(_WrapperMembers)


class WrapperMembers(NamedTuple):
    """The members of an object that may wrap something, in the order of the table, and CloudWatch's `messageType`."""

    wrapped: list[tuple[Wrapper, msgspec.Raw]]
    kind: bytes


def wrapper_members(text: bytes) -> WrapperMembers:
    """Return the members of an object that may wrap something. It must not be nested too deep.

    Raises:
        msgspec.DecodeError: it is not an object, or not JSON.
    """
    values = msgspec.structs.astuple(_members.decode(text))
    wrapped = [(wrapper, raw) for wrapper, raw in zip(_ALL, values, strict=False) if bytes(raw) not in {b"", b"null"}]
    return WrapperMembers(wrapped, bytes(values[-1]))


def listed(text: bytes) -> bytes:
    """Return the list of an object that wraps one, as `aws logs filter-log-events` writes it in any size; else b""."""
    if too_deep(text):
        return b""
    try:
        members = wrapper_members(mended_escapes(text))
    except msgspec.DecodeError:
        return b""
    return next((bytes(raw) for wrapper, raw in members.wrapped if wrapper.is_list), b"")


def wrapper_name(text: bytes) -> str:
    """Return the name of the wrapper that an object is; "" if it is none. It must not be nested too deep."""
    try:
        members = wrapper_members(text)
    except msgspec.DecodeError:
        return ""
    return members.wrapped[0][0].title if members.wrapped else ""
