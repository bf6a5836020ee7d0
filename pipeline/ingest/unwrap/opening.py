"""Open one layer of an input: gzip, base64, an encoding, JSON in a string, a wrapper of the table, several texts."""

import io
import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.gzip_stream import BLANKS, GZIP
from pipeline.ingest.files.json_splitter import STAMP, DocumentTooLongError, JsonSplitter
from pipeline.ingest.unwrap.budget import Budget, BudgetError
from pipeline.ingest.unwrap.document import Verdict, first_value
from pipeline.ingest.unwrap.encodings import BOM_BYTES, encoding_of
from pipeline.ingest.unwrap.json_text import JsonText, unescaped
from pipeline.ingest.unwrap.wrappers import FIELDS, UNREAD, Wrapper, wrapper_members
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM
from pipeline.runtime.json_depth import check_depth

BASE64 = (b"H4sI", b"eyJ", b"ewo", b"ewk", b"eyA", b"W3s")
"""Base64 of the beginnings of gzip and of JSON objects."""
OPENING = (b"{", b"[", b'"')
CSV_OBJECT = re.compile(rb'(?:^|,)"(\{(?:[^"]++|"")*+)"(?=,|$)')
"""A JSON object in a column of a line of CSV."""
CSV_HEADER = re.compile(rb'"?@\w{1,100}"?(?:,"?@?[\w.]{1,100}"?)*')
"""The names of the columns, in the first line of an export of Insights."""
CONTROL = b'"CONTROL_MESSAGE"'
DATA = (b"", b"null", b'"DATA_MESSAGE"')


class Layer(NamedTuple):
    """A text that was found `where` in the input."""

    text: bytes
    where: str


class Unreadable(NamedTuple):
    """What is no log entry and holds none: why, and its bytes."""

    invalid: InvalidEventError
    raw: bytes


Inside = Iterable[Layer | Unreadable]


class _Field(msgspec.Struct, gc=False):
    field: msgspec.Raw
    value: msgspec.Raw


class _Item(msgspec.Struct, gc=False):
    message: msgspec.Raw


_raws = msgspec.json.Decoder(list[msgspec.Raw])
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_fields = msgspec.json.Decoder(list[_Field])
_item = msgspec.json.Decoder(_Item)


def open_layer(part: Layer, budget: Budget) -> Inside | None:
    """Give what is inside; None where it is no layer of anything, but itself.

    Raises:
        InvalidEventError: it is a layer, and broken. BudgetError: it holds more than there is room for.
    """
    text, where = part
    if text.startswith(GZIP):
        return _gunzipped(text, where, budget)
    if encoding := encoding_of(text[:BOM_BYTES]):
        return [Layer(_transcoded(text, encoding, budget), where)]
    text = text.lstrip(UTF8_BOM).strip(BLANKS)
    if text.startswith(BASE64):
        return [Layer(budget.base64(text), _at(where, "base64"))]
    if stamp := STAMP.match(text):
        text = text[stamp.end() :]
        return [Layer(text, where)] if text.startswith(OPENING) else None
    if text.startswith(OPENING):
        check_depth(text)
        return _json(text, where, budget)
    return [] if CSV_HEADER.fullmatch(text) and b"@message" in text else None


def _gunzipped(packed: bytes, where: str, budget: Budget) -> Inside:
    """Of gzip that is broken, what is whole before that is read, and all of it is kept as unreadable."""
    text, wrong = budget.gunzip(packed)
    if not wrong:
        return [Layer(text, _at(where, "gzip"))]
    broken = InvalidEventError(Reason.BAD_ENVELOPE, f"gzip, broken: {wrong}").inside(where)
    return [*(_several(text, where, budget) or ()), Unreadable(broken, packed)]


def _transcoded(text: bytes, encoding: str, budget: Budget) -> bytes:
    try:
        found = text.decode(encoding, "surrogatepass").encode(errors="surrogatepass")
    except UnicodeDecodeError as wrong:
        raise InvalidEventError(Reason.NOT_UTF8, f"{wrong.encoding}, broken: {wrong.reason}") from None
    budget.unpack(len(found))
    return found


def _json(came: bytes, where: str, budget: Budget) -> Inside | None:
    text = JsonText(came)
    try:
        if came.startswith(b"{"):
            return _object(text, where, budget)
        if came.startswith(b"["):
            return _list(text, where, budget)
        return _looked_at(unescaped(text.readable), where)
    except (msgspec.DecodeError, UnicodeDecodeError):  # it is not one JSON value
        if column := CSV_OBJECT.search(came):
            return [Layer(column[1].replace(b'""', b'"'), where)]
        return _several(came, where, budget)


def _several(text: bytes, where: str, budget: Budget) -> Inside | None:
    """Give the texts that stand one behind the other or in lines, where one of them at least is JSON."""
    window = ByteBuffer(io.BufferedReader(io.BytesIO(text)))
    found, any_whole = list[Layer](), False
    try:
        for piece in JsonSplitter(window).pieces():
            budget.take(1)
            if piece.text.strip():
                found.append(Layer(piece.text, _at(where, f"line {piece.line}")))
                any_whole = any_whole or first_value(piece.text) == (Verdict.WHOLE, len(piece.text))
    except DocumentTooLongError:
        return None
    return found if any_whole and len(found) > 1 else None


def _object(text: JsonText, where: str, budget: Budget) -> Inside | None:
    wrapped, kind = wrapper_members(text.readable)
    inside: Inside | None
    for wrapper, raw in wrapped:
        path = _at(where, ".".join((wrapper.member, *wrapper.path)))
        if wrapper in UNREAD:
            inside = None
        elif not wrapper.is_list:
            inside = _content(wrapper, raw, text, path, budget)
        elif kind == CONTROL:
            inside = []
        elif kind not in DATA:
            wrong = "messageType, where DATA_MESSAGE and CONTROL_MESSAGE are known"
            raise InvalidEventError(Reason.BAD_ENVELOPE, wrong, kind.decode(errors="replace"))
        else:
            inside = _items(wrapper, raw, text, path, budget)
        if inside is not None:
            return inside
    return None


def _content(wrapper: Wrapper, raw: msgspec.Raw, text: JsonText, where: str, budget: Budget) -> Inside | None:
    try:
        for name in wrapper.path:
            raw = _members.decode(raw).get(name, msgspec.Raw(b"null"))
    except msgspec.ValidationError:
        return None
    found = bytes(raw)
    if found.startswith((b"{", b"[")):
        return [Layer(text.part(found), where)]
    if not found.startswith(b'"'):
        return None
    content = unescaped(found)
    if not wrapper.base64 or content.lstrip().startswith(OPENING):
        return _looked_at(content, where)
    try:
        return [Layer(budget.base64(content), where)]
    except BudgetError:
        raise
    except InvalidEventError:
        if wrapper.path:  # anybody may call a member `data`, but not within one that AWS has named
            raise
        return None


def _looked_at(content: bytes, where: str) -> Inside | None:
    """Give the content of a string, unless it is a text that says nothing to us, as most are."""
    bare = content.lstrip(UTF8_BOM).strip(BLANKS)
    return [Layer(bare, where)] if bare.startswith((*OPENING, *BASE64)) or STAMP.match(bare) else None


def _items(wrapper: Wrapper, raw: msgspec.Raw, text: JsonText, where: str, budget: Budget) -> Inside | None:
    if not bytes(raw).startswith(b"["):
        return None
    inside = JsonText(text.part(raw))
    items = _elements(inside, budget)
    if not wrapper.items:
        return (Layer(item, f"{where}[{place}]") for place, item in enumerate(inside.parts(items)))
    if wrapper.member != "logEvents" and not any(b'"message"' in bytes(item) for item in items):
        return None
    return (_message(item, f"{where}[{place}]") for place, item in enumerate(inside.parts(items)))


def _message(item: bytes, where: str) -> Layer | Unreadable:
    """Give the message of a log event, whatever it is: CloudWatch Logs has lines of any kind."""
    text = JsonText(item)
    try:
        found = bytes(_item.decode(text.readable).message)
        if found.startswith(b'"'):
            return Layer(unescaped(found), _at(where, "message"))
    except msgspec.DecodeError:
        found = b""
    if found.startswith(b"{"):
        return Layer(text.part(found), _at(where, "message"))
    wrong = InvalidEventError(Reason.BAD_ENVELOPE, "a log event without a message").inside(where)
    return Unreadable(wrong, item)


def _list(text: JsonText, where: str, budget: Budget) -> Inside | None:
    items = _elements(text, budget)
    if (row := _row(text)) is not None:
        return [Layer(row, _at(where, "@message"))]
    if not any(bytes(item).startswith(OPENING) for item in items):
        return None
    return (Layer(item, f"{where}[{place}]") for place, item in enumerate(text.parts(items)))


def _row(text: JsonText) -> bytes | None:
    """Give the text of a row of Insights, which is a list of fields."""
    try:
        fields = {bytes(one.field): bytes(one.value) for one in _fields.decode(text.readable)}
    except msgspec.DecodeError:
        return None
    if found := next((fields[name] for name in FIELDS if name in fields), None):
        return unescaped(found)
    if b'"@ptr"' in fields:
        raise InvalidEventError(Reason.WRONG_SHAPE, "a row of CloudWatch Logs Insights without @message")
    return None


def _elements(text: JsonText, budget: Budget) -> list[msgspec.Raw]:
    budget.check_list(text.readable)
    found = _raws.decode(text.readable)
    budget.take(len(found))
    return found


def _at(where: str, step: str) -> str:
    return f"{where}.{step}" if where else step
