"""Open one layer of an input: gzip, base64, an encoding, JSON in a string, a known wrapper, several texts."""

import io
import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.gzip_stream import BLANKS, GZIP
from pipeline.ingest.files.json_splitter import STAMP, DocumentTooLongError, JsonSplitter
from pipeline.ingest.unwrap.budget import Budget, BudgetError
from pipeline.ingest.unwrap.document import JsonText, Verdict, first_value, unescaped
from pipeline.ingest.unwrap.encodings import BOM_BYTES, encoding_of
from pipeline.ingest.unwrap.wrappers import FIELDS, UNSUPPORTED, Wrapper, wrapper_members
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM
from pipeline.runtime.json_depth import check_depth, too_deep

BASE64 = (b"H4sI", b"eyJ", b"ewo", b"ewk", b"eyA", b"W3s")
"""Base64 of the first bytes of gzip and of JSON objects."""
OPENING = (b"{", b"[", b'"')
CSV_OBJECT = re.compile(rb'(?:^|,)"(\{(?:[^"]++|"")*+)"(?=,|$)')
"""A JSON object in a column of a CSV line."""
CSV_HEADER = re.compile(rb'"?@\w{1,100}"?(?:,"?@?[\w.]{1,100}"?)*')
"""The column names in the first line of an Insights export."""
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


def open_layer(layer: Layer, budget: Budget) -> Contents | None:
    """Return the contents of a layer; None if it wraps nothing.

    Raises:
        InvalidEventError: it is broken. BudgetError: its contents exceed the budget.
    """
    text, where = layer
    if text.startswith(GZIP):
        return _gunzip(text, where, budget)
    if encoding := encoding_of(text[:BOM_BYTES]):
        return [Layer(_transcode(text, encoding, budget), where)]
    text = text.lstrip(UTF8_BOM).strip(BLANKS)
    if text.startswith(BASE64):
        return [Layer(budget.base64(text), _join_path(where, "base64"))]
    if (stamp := STAMP.match(text)) and text.startswith(OPENING, stamp.end()):
        return [Layer(text[stamp.end() :], where)]
    if text.startswith(OPENING):
        return _json(text, where, budget)
    return _plain_text(text, where, budget)


def _plain_text(text: bytes, where: str, budget: Budget) -> Contents | None:
    """Open text that does not begin with JSON: any of its further lines may."""
    if b"\n" in text:
        return _several(text, where, budget)
    return [] if CSV_HEADER.fullmatch(text) and b"@message" in text else None


def _gunzip(compressed: bytes, where: str, budget: Budget) -> Contents:
    """Decompress gzip; if it is broken, read what is whole before the error, and keep all of it as unreadable."""
    text, problem = budget.gunzip(compressed)
    if not problem:
        return [Layer(text, _join_path(where, "gzip"))]
    broken = InvalidEventError(Reason.BAD_ENVELOPE, f"broken gzip: {problem}").inside(where)
    return [*(_several(text, where, budget) or ()), Unreadable(broken, compressed)]


def _transcode(text: bytes, encoding: str, budget: Budget) -> bytes:
    try:
        converted = text.decode(encoding, "surrogatepass").encode(errors="surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidEventError(Reason.NOT_UTF8, f"invalid {error.encoding}: {error.reason}") from None
    budget.unpack(len(converted))
    return converted


def _json(received: bytes, where: str, budget: Budget) -> Contents | None:
    if too_deep(received):
        if several := _several(received, where, budget):  # the other lines may be entries
            return several
        check_depth(received)
    text = JsonText(received)
    try:
        if received.startswith(b"{"):
            return _object(text, where, budget)
        if received.startswith(b"["):
            return _list(text, where, budget)
        return _string_content(unescaped(text.readable), where)
    except (msgspec.DecodeError, UnicodeDecodeError):  # it is more or less than one JSON value
        if column := CSV_OBJECT.search(received):
            return [Layer(column[1].replace(b'""', b'"'), where)]
        return _several(received, where, budget)


def _several(text: bytes, where: str, budget: Budget) -> Contents | None:
    """Return consecutive texts, or texts in lines, if at least one of them is a JSON object, list or string."""
    buffer = ByteBuffer(io.BufferedReader(io.BytesIO(text)))
    layers, any_whole = list[Layer](), False
    try:
        for piece in JsonSplitter(buffer).pieces():
            budget.take(1)
            if piece.text.strip():
                layers.append(Layer(piece.text, _join_path(where, f"line {piece.line}")))
                any_whole = any_whole or _is_whole(piece.text)
    except DocumentTooLongError:
        return None
    return layers if any_whole and len(layers) > 1 else None


def _is_whole(text: bytes) -> bool:
    return text.startswith(OPENING) and first_value(text) == (Verdict.WHOLE, len(text))


def _object(text: JsonText, where: str, budget: Budget) -> Contents | None:
    members, kind = wrapper_members(text.readable)
    contents: Contents | None
    for wrapper, raw in members:
        path = _join_path(where, ".".join((wrapper.member, *wrapper.path)))
        if wrapper in UNSUPPORTED:
            contents = None
        elif not wrapper.is_list:
            contents = _content(wrapper, raw, text, path, budget)
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


def _content(wrapper: Wrapper, raw: msgspec.Raw, text: JsonText, where: str, budget: Budget) -> Contents | None:
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
        return _string_content(content, where)
    try:
        return [Layer(budget.base64(content), where)]
    except BudgetError:
        raise
    except InvalidEventError:
        if wrapper.path:  # any object may have a member `data`, but not inside one that AWS defines
            raise
        return None


def _string_content(content: bytes, where: str) -> Contents | None:
    """Return the content of a string as a layer, unless it is plain text, as most are."""
    bare = content.lstrip(UTF8_BOM).strip(BLANKS)
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
            return Layer(unescaped(message), _join_path(where, "message"))
    except msgspec.DecodeError:
        message = b""
    if message.startswith(b"{"):
        return Layer(text.part(message), _join_path(where, "message"))
    error = InvalidEventError(Reason.BAD_ENVELOPE, "a log event without a message").inside(where)
    return Unreadable(error, item)


def _list(text: JsonText, where: str, budget: Budget) -> Contents | None:
    items = _elements(text, budget)
    if (row := _row(text)) is not None:
        return [Layer(row, _join_path(where, "@message"))]
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


def _join_path(where: str, step: str) -> str:
    return f"{where}.{step}" if where else step
