"""An archived payload, of any age and writer, in; its members as plain values out, whatever they are."""

import json
from collections.abc import Mapping
from typing import Any

from pipeline.runtime.half_characters import mended_escapes
from pipeline.runtime.json_depth import too_deep

Members = Mapping[str, Any]

INT_DIGITS = 18
"""Digits of a whole number that is read as one; Python would refuse to read thousands of them."""


def members(payload: str) -> Members:
    """The members of a JSON object, halves of characters replaced; none where `payload` is no such thing, or too deep.

    The archive holds valid JSON. The standard library's decoder is the one that takes all of it: others refuse
    the whole text for a number beyond the range of a float, in a member that nobody asks for.
    """
    decoder = json.JSONDecoder(parse_int=_number, strict=False)
    text = mended_escapes(payload.encode(errors="replace"))
    try:
        return {} if too_deep(text) else mapping(decoder.decode(text.decode()))
    except ValueError:
        return {}


def mapping(value: object) -> Members:
    """`value` where it is an object, else one without members."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Members]:
    """The objects of a list; none where `value` is no list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= INT_DIGITS else float(digits)
