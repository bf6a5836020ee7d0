"""Find what a JSON object, list or string wraps: known wrappers, items of lists, texts in strings."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pipeline.ingest.files.gzip_stream import PADDING
from pipeline.ingest.files.json_splitter import STAMP
from pipeline.ingest.unwrap.budget import Budget, BudgetError
from pipeline.ingest.unwrap.document import JsonText, unescaped
from pipeline.ingest.unwrap.wrappers import FIELDS, UNSUPPORTED, Wrapper, wrapper_members
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM

BASE64 = (b"H4sI", b"eyJ", b"ewo", b"ewk", b"eyA", b"W3s")
"""Base64 of the first bytes of gzip and of JSON objects."""
OPENING = (b"{", b"[", b'"')
CONTROL = b'"CONTROL_MESSAGE"'
DATA = (b"", b"null", b'"DATA_MESSAGE"')


class Layer(NamedTuple):
    """A text and its path in the input."""

    text: bytes
    where: str


class Unreadable(NamedTuple):
    """Bytes that are neither a log entry nor hold one, and why."""

    invalid: InvalidEventError
    raw: bytes


Contents = Iterable[Layer | Unreadable]


class _Field(msgspec.Struct, gc=False):
    field: msgspec.Raw
    value: msgspec.Raw


class _Item(msgspec.Struct, gc=False):
    message: msgspec.Raw


_raws = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_fields = msgspec.json.Decoder(list[_Field])
_item = msgspec.json.Decoder(_Item)


def object_contents(text: JsonText, where: str, budget: Budget) -> Contents | None:
    """Return what the object wraps; None if it is no wrapper.

    Raises:
        InvalidEventError: it is a broken one. BudgetError: its contents exceed the budget.
    """
    members, kind = wrapper_members(text.readable)
    contents: Contents | None
    for wrapper, raw in members:
        path = join_path(where, ".".join((wrapper.member, *wrapper.path)))
        if wrapper in UNSUPPORTED:
            contents = None
        elif not wrapper.is_list:
            contents = _member_contents(wrapper, raw, text, path, budget)
        elif kind == CONTROL:
            contents = []
        elif kind not in DATA:
            problem = "messageType is neither DATA_MESSAGE nor CONTROL_MESSAGE"
            raise InvalidEventError(Reason.BAD_ENVELOPE, problem, kind.decode(errors="replace"))
        else:
            contents = _items(wrapper, raw, text, path, budget)
        if contents is not None:
            return contents
    return None


def _member_contents(wrapper: Wrapper, raw: msgspec.Raw, text: JsonText, where: str, budget: Budget) -> Contents | None:
    try:
        for name in wrapper.path:
            raw = _members.decode(raw).get(name, msgspec.Raw(b"null"))
    except msgspec.ValidationError:
        return None
    value = bytes(raw)
    if value.startswith((b"{", b"[")):
        return [Layer(text.part(value), where)]
    if not value.startswith(b'"'):
        return None
    content = unescaped(value)
    if not wrapper.base64 or content.lstrip().startswith(OPENING):
        return string_contents(content, where)
    try:
        return [Layer(budget.base64(content), where)]
    except BudgetError:
        raise
    except InvalidEventError:
        if wrapper.path:  # any object may have a member `data`, but not inside one that AWS defines
            raise
        return None


def string_contents(content: bytes, where: str) -> Contents | None:
    """Return the content of a string as a layer, unless it is plain text, as most are."""
    bare = content.lstrip(UTF8_BOM).strip(PADDING)
    return [Layer(bare, where)] if bare.startswith((*OPENING, *BASE64)) or STAMP.match(bare) else None


def _items(wrapper: Wrapper, raw: msgspec.Raw, text: JsonText, where: str, budget: Budget) -> Contents | None:
    if not bytes(raw).startswith(b"["):
        return None
    json_list = JsonText(text.part(raw))
    items = _elements(json_list, budget)
    if not wrapper.items:
        return (Layer(item, f"{where}[{index}]") for index, item in enumerate(json_list.parts(items)))
    if wrapper.member != "logEvents" and not any(b'"message"' in bytes(item) for item in items):
        return None
    return (_message(item, f"{where}[{index}]") for index, item in enumerate(json_list.parts(items)))


def _message(item: bytes, where: str) -> Layer | Unreadable:
    """Return the message of a log event, whatever it is: CloudWatch Logs has lines of any kind."""
    text = JsonText(item)
    try:
        message = bytes(_item.decode(text.readable).message)
        if message.startswith(b'"'):
            return Layer(unescaped(message), join_path(where, "message"))
    except msgspec.DecodeError:
        message = b""
    if message.startswith(b"{"):
        return Layer(text.part(message), join_path(where, "message"))
    error = InvalidEventError(Reason.BAD_ENVELOPE, "a log event without a message").inside(where)
    return Unreadable(error, item)


def list_contents(text: JsonText, where: str, budget: Budget) -> Contents | None:
    """Return the text of an Insights row, or the items of a list that may hold entries; None of another.

    Raises:
        InvalidEventError: it is a row without a text. BudgetError: the list exceeds the budget.
    """
    items = _elements(text, budget)
    if (row := _row(text)) is not None:
        return [Layer(row, join_path(where, "@message"))]
    if not any(bytes(item).startswith(OPENING) for item in items):
        return None
    return (Layer(item, f"{where}[{index}]") for index, item in enumerate(text.parts(items)))


def _row(text: JsonText) -> bytes | None:
    """Return the text of an Insights row, which is a list of fields."""
    try:
        fields = {bytes(field.field): bytes(field.value) for field in _fields.decode(text.readable)}
    except msgspec.DecodeError:
        return None
    if value := next((fields[name] for name in FIELDS if name in fields), None):
        return unescaped(value)
    if b'"@ptr"' in fields:
        raise InvalidEventError(Reason.WRONG_SHAPE, "a row of CloudWatch Logs Insights without @message")
    return None


def _elements(text: JsonText, budget: Budget) -> list[msgspec.Raw]:
    budget.check_list(text.readable)
    elements = _raws.decode(text.readable)
    budget.take(len(elements))
    return elements


def join_path(where: str, step: str) -> str:
    """Return the path of a step into `where`."""
    return f"{where}.{step}" if where else step
