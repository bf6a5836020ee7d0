"""Find the JSON value at the beginning of a text, where it ends or goes wrong, and its parts as they were received."""

import enum
import json
import re
from collections.abc import Iterable, Iterator

import msgspec

from pipeline.ingest.unwrap.budget import VALUES
from pipeline.runtime.half_characters import HALF_ESCAPE, mended_escapes
from pipeline.runtime.json_depth import MAX_DEPTH, too_deep

BYTE = re.compile(r"\(byte ([0-9]+)\)")
TOKENS = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|[{}\[\]]')
"""A string, so that brackets in it are skipped, or a bracket. No JSON string continues after a line end."""
ESCAPED_PAIR = len(r"\ud83d\ude00")
_raw = msgspec.json.Decoder(msgspec.Raw)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_any_string = json.JSONDecoder(strict=False)


class Verdict(enum.Enum):
    """The beginning of a text is a part of a JSON value, a whole one, or none."""

    OPEN = enum.auto()
    WHOLE = enum.auto()
    BROKEN = enum.auto()


class JsonText:
    """A JSON text as received, and as `readable` by parsers, with whole characters; positions are the same in both."""

    def __init__(self, received: bytes) -> None:
        self.received = received
        self.readable = mended_escapes(received)

    def part(self, raw: bytes | msgspec.Raw) -> bytes:
        """Return a part as it was received."""
        return next(self.parts((raw,)))

    def parts(self, raws: Iterable[bytes | msgspec.Raw]) -> Iterator[bytes]:
        """Yield consecutive parts as they were received."""
        if self.readable is self.received:
            yield from map(bytes, raws)
            return
        position = 0
        for raw in raws:
            part = bytes(raw)
            position = self.readable.index(part, position)
            yield self.received[position : position + len(part)]
            position += len(part)


def first_value(text: bytes | memoryview, *, last: bool = False) -> tuple[Verdict, int]:
    """Return the verdict on the beginning of `text`, and how many of its bytes that covers.

    They are those of a WHOLE value with the blanks after it, those before the error in a BROKEN one, all of an OPEN
    one. Only a limited number of bytes after a value is read, whatever they are. A value that is nested too deep is
    BROKEN there, also if it is OPEN and `last`, when nothing more of it is read.
    """
    try:
        verdict, size, half = _parsed(text)
        if half:
            verdict, size, _ = _parsed(mended_escapes(bytes(text)))  # positions stay the same
    except RecursionError:
        return Verdict.BROKEN, _too_deep_at(text)
    if (verdict is Verdict.WHOLE or (last and verdict is Verdict.OPEN)) and too_deep(bytes(text[:size])):
        return Verdict.BROKEN, _too_deep_at(text)
    return verdict, size


def _parsed(text: bytes | memoryview) -> tuple[Verdict, int, bool]:
    """Parse `text`; also return whether half a character may have stopped the parser, or made it expect more."""
    try:
        _raw.decode(text)
    except msgspec.DecodeError as error:
        # msgspec has no error classes for truncated text and for trailing text
        problem = str(error)
    else:
        return Verdict.WHOLE, len(text), False
    position = BYTE.search(problem)
    if position and "trailing characters" in problem:
        return Verdict.WHOLE, int(position[1]) - 1, False  # msgspec counts the first trailing byte
    if position and int(position[1]) < len(text):
        return Verdict.BROKEN, int(position[1]), "surrogate" in problem or "hex escape" in problem
    return Verdict.OPEN, len(text), bool(HALF_ESCAPE.search(text[-ESCAPED_PAIR:]))


def is_object(text: bytes) -> bool:
    """Return whether `text` is one JSON object, in whole characters and not nested too deep."""
    if not text.startswith(b"{") or too_deep(text):
        return False
    try:
        _raw.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def _too_deep_at(text: bytes | memoryview) -> int:
    return max(unclosed(text), default=0) + 1


def unclosed(text: bytes | memoryview) -> list[int]:
    """Return the positions of brackets that `text` opens and does not close, outermost first; at most MAX_DEPTH."""
    positions: list[int] = []
    for token in TOKENS.finditer(text):
        if token[0] in {b"{", b"["}:
            positions.append(token.start())
            if len(positions) == MAX_DEPTH:
                break
        elif token[0] in {b"}", b"]"} and positions:
            positions.pop()
    return positions


def objects(text: bytes) -> list[bytes]:
    """Return the elements of a JSON array of objects; nothing for any other text."""
    if too_deep(text) or text.count(b",") > VALUES:
        return []
    array = JsonText(text)
    try:
        elements = list(array.parts(_raws.decode(array.readable)))
    except msgspec.DecodeError:
        return []
    return elements if all(value.startswith(b"{") for value in elements) else []


def unescaped(string: bytes) -> bytes:
    """Return the text of a JSON string; bytes that are not UTF-8 are kept.

    Raises:
        msgspec.DecodeError: it is not a JSON string.
    """
    try:
        return _string.decode(string).encode()
    except UnicodeDecodeError:
        pass
    try:
        return str(_any_string.decode(string.decode(errors="surrogateescape"))).encode(errors="surrogateescape")
    except ValueError as error:
        raise msgspec.DecodeError(str(error)) from None
