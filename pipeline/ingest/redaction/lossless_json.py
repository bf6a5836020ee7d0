"""Parse JSON into values that can be changed in place, and write it with all numbers as they were."""

import json
import re
from typing import Any

import msgspec

from pipeline.runtime.json_depth import too_deep

Number = msgspec.Raw
"""The digits of a number as written: an archive must not round numbers that it does not use."""

WHOLE = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?(?:[eE]\+?([0-9]+))?")
EXPONENT_DIGITS, MAX_DIGITS = 3, 40
"""Larger numbers are not searched for patterns."""

Container = dict[str, Any] | list[Any]
"""An object or a list; its children are addressed by name, or by index from 0."""

_decoder = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=Number, strict=False)


class DuplicateMemberError(ValueError):
    """An object has the same member twice, of which readers see only one."""


def loads(text: str) -> Any:
    """Parse `text`; of duplicate members the last counts, as in the decoder of log entries.

    Raises:
        ValueError: it is not JSON. RecursionError: it is nested too deep.
    """
    return _decode(text, _decoder)


def loads_strictly(text: str) -> Any:
    """Parse text that may be kept unchanged, so that nothing in it may be hidden.

    Raises:
        DuplicateMemberError: a member comes twice. ValueError, RecursionError: as above.
    """
    return _decode(text, _strict)


def dumps(value: Any) -> bytes:
    """Write `value` as the shortest JSON.

    Raises:
        ValueError: it has half a character in it. RecursionError: as above.
    """
    return msgspec.json.encode(value)


def text_of(value: Any) -> str:
    """Return a text, or a number as written; "" for anything else."""
    if type(value) is str:
        return value
    return bytes(value).decode() if type(value) is Number else ""


def _decode(text: str, decoder: json.JSONDecoder) -> Any:
    if too_deep(text.encode(errors="surrogatepass")):  # Python's own limit depends on its version and on the caller
        raise RecursionError("nested too deep")
    return decoder.decode(text)


def whole_number_digits(number: str) -> str:
    """Return the digits of a whole number in any notation; "" for any other."""
    if number.isdecimal():
        return number
    match = WHOLE.fullmatch(number)
    if not match or len(match[3] or "") > EXPONENT_DIGITS:
        return ""
    digits, places = match[1] + (match[2] or ""), int(match[3] or 0) - len(match[2] or "")
    if places < 0:
        digits, cut = digits[:places], digits[places:]
        return digits if not cut.strip("0") else ""
    return digits + "0" * min(places, MAX_DIGITS)


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise DuplicateMemberError("a member comes twice")
    return members


_strict = json.JSONDecoder(
    parse_float=Number, parse_int=Number, parse_constant=Number, strict=False, object_pairs_hook=_members
)
