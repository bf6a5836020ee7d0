"""Read archived payloads of any age and writer leniently: keep the parts that fit a type, drop the others."""

import json
import math
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, inspect

from pipeline.runtime.half_characters import mended_escapes
from pipeline.runtime.json_depth import too_deep

T = TypeVar("T")
Members = Mapping[str, Any]

INT_DIGITS = 18
"""Maximum digits of a number that is read as int; Python refuses to convert thousands of digits."""
MAX_DEPTH = 16
"""Maximum nesting of lists and objects; a slot within a slot takes two levels."""
MAX_INT = 2**53
"""Whole numbers stay below it, so that every JSON reader reads them exactly."""


def members(payload: str) -> Members:
    """Return the members of a JSON object, halves of characters replaced; none if `payload` is not one, or is too deep.

    The archive holds valid JSON. Only the standard library's decoder accepts all of it: others reject the whole text
    for a number beyond the range of a float, in a member that nobody needs.
    """
    decoder = json.JSONDecoder(parse_int=_number, strict=False)
    text = mended_escapes(payload.encode(errors="replace"))
    try:
        return {} if too_deep(text) else mapping(decoder.decode(text.decode()))
    except ValueError:
        return {}


def mapping(value: object) -> Members:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Members]:
    """Return the objects in a list; none if `value` is not a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(digits: str) -> int | float:
    return int(digits) if len(digits) <= INT_DIGITS else float(digits)


class LenientType(Generic[T]):
    """A struct, tuple or dict type that values are converted to leniently.

    - A list keeps the elements that fit, an object the members. Null is an absent member.
    - A struct does not fit if one of its required members does not.
    - Where None is allowed, a value that does not fit becomes None.
    - Numbers may be written as text, as in Lex's logs.
    """

    def __init__(self, kind: type[T]) -> None:
        self._node = inspect.type_info(kind)

    def convert(self, value: object) -> T | UnsetType:
        """Return the parts of `value` that fit; UNSET if it does not fit."""
        fitted: T | UnsetType = _fit(value, self._node, MAX_DEPTH)
        return fitted


def text(value: object) -> str:
    """Return `value` if it is text that UTF-8 can encode, else the empty string."""
    return value if isinstance(value, str) and _encodable(value) else ""


def _fit(value: object, node: inspect.Type, levels: int) -> Any:
    match node:
        case inspect.Metadata():
            return _fit(value, node.type, levels)
        case inspect.UnionType():  # one type, or None
            fitted = _fit(value, next(kind for kind in node.types if not isinstance(kind, inspect.NoneType)), levels)
            return None if fitted is UNSET else fitted
        case inspect.StructType() | inspect.VarTupleType() | inspect.DictType():
            return _container(value, node, levels - 1) if levels else UNSET
        case inspect.FloatType() | inspect.IntType():
            return _fitting_number(value, whole=isinstance(node, inspect.IntType))
        case _:
            return _text_or_literal(value, node)


def _container(value: object, node: inspect.Type, levels: int) -> Any:
    match node, value:
        case inspect.StructType(), dict():
            return _struct(value, node, levels)
        case inspect.VarTupleType(), list():
            fitted = [_fit(each, node.item_type, levels) for each in value]
            return tuple(each for each in fitted if each is not UNSET)[: node.max_length]
        case inspect.DictType(), dict():
            members = ((_fit(k, node.key_type, 0), _fit(v, node.value_type, levels)) for k, v in value.items())
            return {name: each for name, each in members if name is not UNSET and each is not UNSET}
    return UNSET


def _text_or_literal(value: object, node: inspect.Type) -> Any:
    match node:
        case inspect.LiteralType():
            fits = isinstance(value, str) and value in node.values
        case inspect.StrType():
            fits = isinstance(value, str) and len(value) >= (node.min_length or 0) and _encodable(value)
        case _:
            fits = False
    return value if fits else UNSET


def _struct(value: dict[str, Any], node: inspect.StructType, levels: int) -> Any:
    fitted = {field.name: _fit(value.get(field.encode_name), field.type, levels) for field in node.fields}
    fields = {name: each for name, each in fitted.items() if each is not UNSET}
    if any(field.required and field.name not in fields for field in node.fields):
        return UNSET
    made: msgspec.Struct = node.cls(**fields)
    return made


def _fitting_number(value: object, *, whole: bool) -> float | UnsetType:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return UNSET
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return UNSET
    if not math.isfinite(number) or (whole and abs(number) >= MAX_INT):
        return UNSET
    return int(number) if whole else number


def _encodable(value: str) -> bool:
    """Return whether UTF-8 can encode the text: it cannot encode half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
