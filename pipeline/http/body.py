"""Read and decode the body of a request; errors name the wrong member and what would be right."""

import asyncio
import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from pipeline.query.errors import InvalidQueryError
from pipeline.runtime.json_depth import too_deep

MAX_BYTES = 64 * 1024
"""Maximum bytes of a body. The largest sensible request, ten filters of five values, is far smaller."""

TIMEOUT_S = 10.0
"""Seconds for a body to arrive."""

WHERE = "body"
PATH_SUFFIX = re.compile(r" - at `\$((?:\.\w+|\[\d+\])+)`\Z")
"""The end of msgspec's messages. A member name that looks like it may be taken for a path; it misleads its sender only.
"""

PATH_STEP = re.compile(r"\.(\w+)|\[\d+\]")
MAX_ECHO = 200
"""Characters of a message that may repeat the client's input."""

ADVICE = "send one JSON object in UTF-8"

RequestStruct = TypeVar("RequestStruct", bound=msgspec.Struct)


async def read_body(chunks: AsyncIterator[bytes]) -> bytes:
    """Read the whole body.

    Raises:
        InvalidQueryError: it is larger than MAX_BYTES, or takes longer than TIMEOUT_S.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for chunk in chunks:
                body += chunk
                if len(body) > MAX_BYTES:
                    raise InvalidQueryError(WHERE, f"larger than {MAX_BYTES} bytes; ask for less at once")
    except TimeoutError:
        raise InvalidQueryError(
            WHERE, f"not all of it arrived within {TIMEOUT_S:g} s; send it without pauses"
        ) from None
    return bytes(body)


def decode(body: bytes, struct: type[RequestStruct]) -> RequestStruct:
    """Decode `body`, which is JSON, to `struct`. Where its type is Any, numbers with a fraction become Decimals.

    Raises:
        InvalidQueryError: the body is not JSON, or a member has the wrong type; the error names its path.
    """
    if too_deep(body):
        raise InvalidQueryError(WHERE, f"nested too deep; {ADVICE}")
    try:
        return msgspec.json.Decoder(struct, float_hook=Decimal).decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(str(error), struct) from None
    except ArithmeticError:
        raise InvalidQueryError(WHERE, "a number in it is beyond any range") from None
    except ValueError as error:  # DecodeError and UnicodeDecodeError are ValueErrors
        raise InvalidQueryError(WHERE, f"cannot be read ({error}); {ADVICE}") from None


def _invalid(text: str, struct: type[msgspec.Struct]) -> InvalidQueryError:
    """Convert msgspec's `what - at $.path`; add the known names where a name is unknown."""
    match = PATH_SUFFIX.search(text)
    path = match[1] if match else ""
    what = text[: match.start() if match else None][:MAX_ECHO]
    annotated = _type_at(inspect.type_info(struct), path)
    node = _unwrapped(annotated)
    if "matching regex" in what and (description := _description(annotated)):
        what = f"expected {description}"
    if isinstance(node, inspect.StructType) and "unknown field" in what:
        what += "; there are " + ", ".join(field.encode_name for field in node.fields)
    if isinstance(node, inspect.EnumType):
        what += "; there are " + ", ".join(node.cls)
    return InvalidQueryError(path.removeprefix(".") or WHERE, what[:1].lower() + what[1:].replace("`", ""))


def _type_at(node: Any, path: str) -> Any:
    """Return the type at `path`, such as `.filters[2].name`, in msgspec's description of a struct; None if none.

    It may be wrapped in its limits and description, and in a union with None.
    """
    for step in PATH_STEP.finditer(path):
        node = _unwrapped(node)
        if name := step[1]:
            node = next((f.type for f in getattr(node, "fields", ()) if f.encode_name == name), None)
        else:
            node = getattr(node, "item_type", None)
    return node


def _unwrapped(node: Any) -> Any:
    node = _required(node)
    return node.type if isinstance(node, inspect.Metadata) else node


def _required(node: Any) -> Any:
    """Return the type of an optional member without None."""
    return node.types[0] if isinstance(node, inspect.UnionType) else node


def _description(node: Any) -> str:
    """Return the description of a type in words; empty if it has none."""
    return str((getattr(_required(node), "extra_json_schema", None) or {}).get("description", ""))
