"""Read archived payloads of any age and writer: what fits a shape is kept, what does not harms no other."""

import json
import math
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, inspect

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


DEEPEST = 16
"""Levels of lists and objects inside one another; a slot within a slot takes two."""

GREATEST = 2**53
"""Whole numbers stay below it, so that every JSON reader reads them exactly."""

Kind = TypeVar("Kind")


class Shape(Generic[Kind]):
    """A struct, tuple or dict type, read leniently.

    - Of a list, the elements that fit stay; of an object, the members. Null is an absent member.
    - Where a struct requires a member that does not fit, the struct does not fit.
    - Where a value may be None, what does not fit is None.
    - Numbers may be written as text: Lex's logs do so.
    """

    def __init__(self, kind: type[Kind]) -> None:
        self._node = inspect.type_info(kind)

    def fit(self, value: object) -> Kind | UnsetType:
        """What fits of `value`; UNSET where nothing does."""
        fitted: Kind | UnsetType = _fit(value, self._node, DEEPEST)
        return fitted


def text(value: object) -> str:
    """`value` where it is text that can be written as UTF-8, else the empty string."""
    return value if isinstance(value, str) and _writable(value) else ""


def _fit(value: object, node: inspect.Type, deeper: int) -> Any:
    match node:
        case inspect.Metadata():
            return _fit(value, node.type, deeper)
        case inspect.UnionType():  # one type, or None
            fitted = _fit(value, next(kind for kind in node.types if not isinstance(kind, inspect.NoneType)), deeper)
            return None if fitted is UNSET else fitted
        case inspect.StructType() | inspect.VarTupleType() | inspect.DictType():
            return _inside(value, node, deeper - 1) if deeper else UNSET
        case inspect.FloatType() | inspect.IntType():
            return _fitting_number(value, whole=isinstance(node, inspect.IntType))
        case _:
            return _word(value, node)


def _inside(value: object, node: inspect.Type, deeper: int) -> Any:
    match node, value:
        case inspect.StructType(), dict():
            return _struct(value, node, deeper)
        case inspect.VarTupleType(), list():
            fitted = [_fit(each, node.item_type, deeper) for each in value]
            return tuple(each for each in fitted if each is not UNSET)[: node.max_length]
        case inspect.DictType(), dict():
            members = ((_fit(k, node.key_type, 0), _fit(v, node.value_type, deeper)) for k, v in value.items())
            return {name: each for name, each in members if name is not UNSET and each is not UNSET}
    return UNSET


def _word(value: object, node: inspect.Type) -> Any:
    match node:
        case inspect.LiteralType():
            fits = isinstance(value, str) and value in node.values
        case inspect.StrType():
            fits = isinstance(value, str) and len(value) >= (node.min_length or 0) and _writable(value)
        case _:
            fits = False
    return value if fits else UNSET


def _struct(value: dict[str, Any], node: inspect.StructType, deeper: int) -> Any:
    fitted = {field.name: _fit(value.get(field.encode_name), field.type, deeper) for field in node.fields}
    found = {name: each for name, each in fitted.items() if each is not UNSET}
    if any(field.required and field.name not in found for field in node.fields):
        return UNSET
    made: msgspec.Struct = node.cls(**found)
    return made


def _fitting_number(value: object, *, whole: bool) -> float | UnsetType:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return UNSET
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return UNSET
    if not math.isfinite(number) or (whole and abs(number) >= GREATEST):
        return UNSET
    return int(number) if whole else number


def _writable(value: str) -> bool:
    """Half of a surrogate pair is no character: no UTF-8 stands for it."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
