"""The body of a multipart form in, its fields and files out."""

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from pipeline.embedded.confinement import LONGEST_SUSPICION, hides_a_call
from pipeline.embedded.errors import ClickHouseCode, EngineError, engine_error
from pipeline.embedded.statement import Insert, split_insert

_NAME = re.compile(rb'[; ]name="((?:[^"\\]|\\.)*)"')
_FILE = re.compile(rb"[; ]filename\*?=")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))')


class Form(NamedTuple):
    """What a form brings, by the names of its parts."""

    fields: dict[str, str]
    files: dict[str, bytes]


def is_form(content_type: str) -> bool:
    """Whether a body is a form. As with a server only a multipart one is: curl calls any text urlencoded."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(body: bytes, content_type: str) -> Form:
    """The form that a body is.

    Raises:
        Failure: it is none, or a field is not UTF-8.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _unreadable("its Content-Type names no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    form = Form({}, {})
    for part in parts:
        if part.startswith(b"--"):
            return form
        _add(form, part)
    raise _unreadable("its last boundary is missing")


def _add(form: Form, part: bytes) -> None:
    head, separator, value = part.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise _unreadable("a part of it has no name")
    try:
        if _FILE.search(head):
            form.files[name[1].decode()] = value
        else:
            form.fields[name[1].decode()] = value.decode()
    except UnicodeDecodeError:
        raise _unreadable("a part of it is not UTF-8") from None


def _unreadable(why: str) -> EngineError:
    return engine_error(ClickHouseCode.BAD_ARGUMENTS, f"The form cannot be read: {why}")


MAX_STATEMENT = 4 * 2**20
MAX_FORM = 64 * 2**20
MAX_DATA = 4 * 2**30
READ_SECONDS = 30.0
"""The longest pause between two pieces of a body."""
HEAD = 64 * 2**10
"""Bytes in hand before an INSERT's data are looked for: its head is nearly always in them."""
WRITE = 2**20
"""Bytes that are written at a time."""


async def chunks_of(request: Request) -> AsyncIterator[bytes]:
    """The body as it arrives.

    Raises:
        Failure: nothing came for too long.
        ClientDisconnect: the client is gone.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(READ_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError:
            sentence = f"Nothing of the body came for {READ_SECONDS:g} seconds"
            raise engine_error(ClickHouseCode.SOCKET_TIMEOUT, sentence) from None
        if chunk is None:
            return
        if chunk:
            yield chunk


async def read_text(
    first: bytes, chunks: AsyncIterator[bytes], limit: int = MAX_STATEMENT, *, inline_values: bool = False
) -> tuple[bytes, Insert | None]:
    """The text of a statement: all of it, or of an INSERT as far as it is needed to see where the data begin.

    Args:
        first: what stands before the body; a line end comes between the two.
        chunks: the body, of which an INSERT's data may remain.
        limit: bytes.
        inline_values: VALUES hold bound parameters, so they belong to the text.

    Raises:
        Failure: it is longer than the limit.
    """
    text = bytearray(first)
    async for chunk in chunks:
        if text and len(text) == len(first):
            text += b"\n"
        text += chunk
        if len(text) - len(first) >= HEAD and (insert := _split(bytes(text), inline_values, whole=False)):
            return bytes(text), insert
        if len(text) > limit:
            raise engine_error(ClickHouseCode.QUERY_IS_TOO_LARGE, f"The statement is longer than {limit} bytes")
    return bytes(text), _split(bytes(text), inline_values, whole=True)


def _split(text: bytes, inline_values: bool, *, whole: bool) -> Insert | None:  # noqa: FBT001 - passed on as it came
    insert = split_insert(text, whole=whole)
    return None if insert and inline_values and insert.input_format == "Values" else insert


async def spooled(first: bytes, chunks: AsyncIterator[bytes], file: Path) -> bool:
    """Writes data to a file: the engine sees them only when all have arrived, so half an INSERT is none.

    Returns:
        Whether Values among them may call what leaves the data folder.

    Raises:
        Failure: they are too long, or the disk is full.
    """
    try:
        return await _spool(first, chunks, file)
    except OSError as trouble:
        if trouble.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise engine_error(ClickHouseCode.NOT_ENOUGH_SPACE, f"The data cannot be kept: {trouble.strerror}") from trouble


async def _spool(first: bytes, chunks: AsyncIterator[bytes], file: Path) -> bool:
    size, batch = 0, bytearray(first)
    calls, before = False, b""
    with await asyncio.to_thread(file.open, "wb") as out:

        async def write() -> None:
            nonlocal size, calls, before
            calls = calls or hides_a_call(before + batch)
            before = bytes(batch[-LONGEST_SUSPICION:])
            size += await asyncio.to_thread(out.write, batch)

        async for chunk in chunks:
            batch += chunk
            if len(batch) >= WRITE:
                await write()
                batch = bytearray()
            if size > MAX_DATA:
                raise engine_error(ClickHouseCode.QUERY_IS_TOO_LARGE, f"The data are longer than {MAX_DATA} bytes")
        await write()
    return calls
