"""Open one layer of an input: gzip, base64, an encoding, JSON in a string, a known wrapper, several texts."""

import io
import re

import msgspec

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.gzip_stream import GZIP, PADDING
from pipeline.ingest.files.json_splitter import STAMP, DocumentTooLongError, JsonSplitter
from pipeline.ingest.unwrap.budget import Budget
from pipeline.ingest.unwrap.contents import (
    BASE64,
    OPENING,
    Contents,
    Layer,
    Unreadable,
    join_path,
    list_contents,
    object_contents,
    string_contents,
)
from pipeline.ingest.unwrap.document import JsonText, Verdict, first_value, unescaped
from pipeline.ingest.unwrap.encodings import BOM_BYTES, encoding_of
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import UTF8_BOM
from pipeline.runtime.json_depth import check_depth, too_deep

CSV_OBJECT = re.compile(rb'(?:^|,)"(\{(?:[^"]++|"")*+)"(?=,|$)')
"""A JSON object in a column of a CSV line."""
CSV_HEADER = re.compile(rb'"?@\w{1,100}"?(?:,"?@?[\w.]{1,100}"?)*')
"""The column names in the first line of an Insights export."""


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
    text = text.lstrip(UTF8_BOM).strip(PADDING)
    if text.startswith(BASE64):
        return [Layer(budget.base64(text), join_path(where, "base64"))]
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
        return [Layer(text, join_path(where, "gzip"))]
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
            return object_contents(text, where, budget)
        if received.startswith(b"["):
            return list_contents(text, where, budget)
        return string_contents(unescaped(text.readable), where)
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
                layers.append(Layer(piece.text, join_path(where, f"line {piece.line}")))
                any_whole = any_whole or _is_whole(piece.text)
    except DocumentTooLongError:
        return None
    return layers if any_whole and len(layers) > 1 else None


def _is_whole(text: bytes) -> bool:
    return text.startswith(OPENING) and first_value(text) == (Verdict.WHOLE, len(text))
