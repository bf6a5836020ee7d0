"""A text in; what JSON value it begins with, and where that ends or goes wrong, out."""

import enum
import re

import msgspec

from pipeline.ingest.unwrap.budget import VALUES
from pipeline.ingest.unwrap.json_text import JsonText
from pipeline.runtime.half_characters import HALF_ESCAPE, mended_escapes
from pipeline.runtime.json_depth import MAX_DEPTH, too_deep

BYTE = re.compile(r"\(byte ([0-9]+)\)")
TOKENS = re.compile(rb'"(?:[^"\\\n]|\\.)*+"?|[{}\[\]]')
"""A string, so that brackets in it are not seen, or a bracket. No JSON string goes over the end of a line."""

ESCAPED_PAIR = len(r"\ud83d\ude00")

_raw = msgspec.json.Decoder(msgspec.Raw)
_raws = msgspec.json.Decoder(list[msgspec.Raw])


class Verdict(enum.Enum):
    """What a text begins with: a part of a JSON value, a JSON value, or none."""

    OPEN = enum.auto()
    WHOLE = enum.auto()
    BROKEN = enum.auto()


def first_value(text: bytes | memoryview, *, last: bool = False) -> tuple[Verdict, int]:
    """What `text` begins with, and how many of its bytes that takes.

    They are those of a WHOLE value with the blanks behind it, those before the mistake in a BROKEN one, all of an
    OPEN one. More than a bounded number of bytes behind a value are not looked at, whatever they are. What is nested
    too deep is BROKEN there, also where it is OPEN and `last`: nothing more of it is read.
    """
    try:
        verdict, size, half = _parsed(text)
        if half:
            verdict, size, _ = _parsed(mended_escapes(bytes(text)))  # no place in it moves
    except RecursionError:
        return Verdict.BROKEN, _too_deep_at(text)
    if (verdict is Verdict.WHOLE or (last and verdict is Verdict.OPEN)) and too_deep(bytes(text[:size])):
        return Verdict.BROKEN, _too_deep_at(text)
    return verdict, size


def _parsed(text: bytes | memoryview) -> tuple[Verdict, int, bool]:
    """Tell also whether half a character was in the way: there the parser stops, or, near the end, waits for more."""
    try:
        _raw.decode(text)
    except msgspec.DecodeError as error:
        # the library has no classes of its own for a text that is right as far as it goes, or that goes on
        wrong = str(error)
    else:
        return Verdict.WHOLE, len(text), False
    at = BYTE.search(wrong)
    if at and "trailing characters" in wrong:
        return Verdict.WHOLE, int(at[1]) - 1, False  # it counts the first of the bytes that are too many
    if at and int(at[1]) < len(text):
        return Verdict.BROKEN, int(at[1]), "surrogate" in wrong or "hex escape" in wrong
    return Verdict.OPEN, len(text), bool(HALF_ESCAPE.search(text[-ESCAPED_PAIR:]))


def _too_deep_at(text: bytes | memoryview) -> int:
    return max(unclosed(text), default=0) + 1


def unclosed(text: bytes | memoryview) -> list[int]:
    """Where the brackets stand that `text` opens and does not close, outermost first; MAX_DEPTH of them at most."""
    found: list[int] = []
    for token in TOKENS.finditer(text):
        if token[0] in {b"{", b"["}:
            found.append(token.start())
            if len(found) == MAX_DEPTH:
                break
        elif token[0] in {b"}", b"]"} and found:
            found.pop()
    return found


def objects(text: bytes) -> list[bytes]:
    """The objects of a JSON array that holds nothing else; else nothing."""
    if too_deep(text) or text.count(b",") > VALUES:
        return []
    array = JsonText(text)
    try:
        found = list(array.parts(_raws.decode(array.readable)))
    except msgspec.DecodeError:
        return []
    return found if all(value.startswith(b"{") for value in found) else []
