"""JSON in; its value, to be changed in place, out, and from it the same JSON again: numbers as they were written."""

import json
import re
from typing import Any

import msgspec

from pipeline.runtime.json_depth import too_deep

Number = msgspec.Raw
"""A number's own digits: an archive must not round what it does not read."""

WHOLE = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]\+?([0-9]+))?")
EXPONENT_DIGITS, MOST_DIGITS = 3, 40
"""A number beyond them is none that is looked for."""

Holder = dict[str, Any] | list[Any]
"""An object or a list; what it holds is told by a name, or by a place counted from 0."""

_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)


class DuplicateMemberError(ValueError):
    """An object has a member twice: whoever reads it sees one of them."""


def loads(text: str) -> Any:
    """The value of `text`; of members that come twice the last, as the decoder of log entries takes it.

    Raises:
        ValueError: it is no JSON. RecursionError: it is nested too deep.
    """
    return _shallow(text, _decoder)


def loads_strictly(text: str) -> Any:
    """The same of a text that may be kept as it is, so that nothing in it must go unseen.

    Raises:
        DuplicateMemberError: a member comes twice. ValueError, RecursionError: as above.
    """
    return _shallow(text, _strict)


def dumps(value: Any) -> bytes:
    """The shortest JSON of `value`.

    Raises:
        ValueError: half a character is in it. RecursionError: as above.
    """
    return msgspec.json.encode(value)


def text_of(value: Any) -> str:
    """A text, or a number as it was written; anything else is the empty string."""
    if type(value) is str:
        return value
    return bytes(value).decode() if type(value) is Number else ""


def _shallow(text: str, decoder: json.JSONDecoder) -> Any:
    if too_deep(text.encode(errors="surrogatepass")):  # how deep Python itself goes depends on it, and on who calls
        raise RecursionError("nested too deep")
    return decoder.decode(text)


def whole(number: str) -> str:
    """The digits of a whole number, however it is written; nothing of any other."""
    if number.isdecimal():
        return number
    found = WHOLE.fullmatch(number)
    if not found or len(found[3] or "") > EXPONENT_DIGITS:
        return ""
    digits, places = found[1] + (found[2] or ""), int(found[3] or 0) - len(found[2] or "")
    if places < 0:
        digits, cut = digits[:places], digits[places:]
        return digits if not cut.strip("0") else ""
    return digits + "0" * min(places, MOST_DIGITS)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise DuplicateMemberError("a member comes twice")
    return members


_strict = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=Number, strict=False, object_pairs_hook=_members
)
