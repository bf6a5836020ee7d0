"""The body of a request in, a checked struct out; what is wrong with it is said by member, with advice."""

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from pipeline.query.errors import InvalidQueryError
from pipeline.runtime.json_depth import too_deep

MOST = 64 * 1024
"""Bytes of a body. The largest sensible request, ten filters of five values, stays far below."""

SECONDS = 10.0
"""Time for a body to arrive."""

WHERE = "body"
PLACE = re.compile(r" - at `\$((?:\.\w+|\[\d+\])+)`\Z")
"""How msgspec ends a message. A name that looks so, too, may be taken for a place; it harms its sender only."""

STEP = re.compile(r"\.(\w+)|\[\d+\]")
LONGEST = 200
"""Characters of a message that repeat what the client sent."""

RIGHT = "send one JSON object in UTF-8"

Asked = TypeVar("Asked", bound=msgspec.Struct)


async def read_body(chunks: AsyncIterator[bytes]) -> bytes:
    """The whole body.

    Raises:
        InvalidQueryError: it is larger than MOST, or takes longer than SECONDS.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(SECONDS):
            async for chunk in chunks:
                body += chunk
                if len(body) > MOST:
                    raise InvalidQueryError(WHERE, f"larger than {MOST} bytes; ask for less at once")
    except TimeoutError:
        raise InvalidQueryError(WHERE, f"not all of it arrived within {SECONDS:g} s; send it at once") from None
    return bytes(body)


def decode(body: bytes, shape: type[Asked]) -> Asked:
    """The struct that `body` is, as JSON. Where `shape` says Any, numbers with a fraction are Decimals.

    Raises:
        InvalidQueryError: not JSON, or not of this shape; named by the path of the member.
    """
    if too_deep(body):
        raise InvalidQueryError(WHERE, f"nested too deep; {RIGHT}")
    try:
        return msgspec.json.Decoder(shape, float_hook=Decimal).decode(body)
    except msgspec.ValidationError as error:
        raise _explained(str(error), shape) from None
    except ArithmeticError:
        raise InvalidQueryError(WHERE, "a number in it is beyond any range") from None
    except ValueError as error:  # DecodeError and UnicodeDecodeError are such
        raise InvalidQueryError(WHERE, f"cannot be read ({error}); {RIGHT}") from None


def _explained(text: str, shape: type[msgspec.Struct]) -> InvalidQueryError:
    """From `what - at $.path`, as msgspec words it; where a name is unknown, the known ones are added."""
    found = PLACE.search(text)
    path = found[1] if found else ""
    what = text[: found.start() if found else None][:LONGEST]
    node = _node(inspect.type_info(shape), path)
    if isinstance(node, inspect.StructType) and "unknown field" in what:
        what += "; there are " + ", ".join(field.encode_name for field in node.fields)
    if isinstance(node, inspect.EnumType):
        what += "; there are " + ", ".join(node.cls)
    return InvalidQueryError(path.removeprefix(".") or WHERE, what[:1].lower() + what[1:].replace("`", ""))


def _node(node: Any, path: str) -> Any:
    """The type at `path`, such as `.filters[2].name`, in msgspec's description of a struct; None if none."""
    for step in STEP.finditer(path):
        node = _bare(node)
        if name := step[1]:
            node = next((f.type for f in getattr(node, "fields", ()) if f.encode_name == name), None)
        else:
            node = getattr(node, "item_type", None)
    return _bare(node)


def _bare(node: Any) -> Any:
    if isinstance(node, inspect.UnionType):  # optional: the rest is null
        node = node.types[0]
    return node.type if isinstance(node, inspect.Metadata) else node
