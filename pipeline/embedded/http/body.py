"""Read the body of a request: a statement, the data of an INSERT, or a multipart form."""

import asyncio
import errno
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from pipeline.embedded.confinement import MAX_SUSPICIOUS_LENGTH, has_unsafe_values, reads_expressions
from pipeline.embedded.errors import ClickHouseCode, EngineError, engine_error
from pipeline.embedded.statement import InsertStatement, split_insert

_NAME = re.compile(rb'[; ]name="((?:[^"\\]|\\.)*)"')
_FILE = re.compile(rb"[; ]filename\*?=")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))')


class Form(NamedTuple):
    """The parts of a multipart form, by name."""

    fields: dict[str, str]
    files: dict[str, bytes]


def is_form(content_type: str) -> bool:
    """Return whether a body is a form. As with a server only multipart counts: curl calls any text urlencoded."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def read_form(body: bytes, content_type: str) -> Form:
    """Parse the body of a multipart form.

    Raises:
        EngineError: the body is malformed, or a field is not UTF-8.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _malformed("its Content-Type names no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    form = Form({}, {})
    for part in parts:
        if part.startswith(b"--"):
            return form
        _add(form, part)
    raise _malformed("its last boundary is missing")


def _add(form: Form, part: bytes) -> None:
    head, separator, value = part.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise _malformed("a part of it has no name")
    try:
        if _FILE.search(head):
            form.files[name[1].decode()] = value
        else:
            form.fields[name[1].decode()] = value.decode()
    except UnicodeDecodeError:
        raise _malformed("a part of it is not UTF-8") from None


def _malformed(problem: str) -> EngineError:
    return engine_error(ClickHouseCode.BAD_ARGUMENTS, f"The form cannot be read: {problem}")


MAX_STATEMENT = 4 * 2**20
"""Bytes of a statement without its data."""
MAX_FORM = 64 * 2**20
"""Bytes of a form, its files included."""
MAX_DATA = 4 * 2**30
"""Bytes of the data of an INSERT."""
READ_SECONDS = 30.0
"""Seconds between two chunks of a body at most."""
HEAD = 64 * 2**10
"""Bytes that are read before the data of an INSERT are looked for: they nearly always contain its head."""
WRITE = 2**20
"""Bytes that are written to a file at a time."""


async def body_chunks(request: Request) -> AsyncIterator[bytes]:
    """Yield the body as it arrives.

    Raises:
        EngineError: nothing arrived for too long.
        ClientDisconnect: the client has disconnected.
    """
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(READ_SECONDS):
                chunk = await anext(stream, None)
        except TimeoutError:
            message = f"Nothing of the body arrived for {READ_SECONDS:g} seconds"
            raise engine_error(ClickHouseCode.SOCKET_TIMEOUT, message) from None
        if chunk is None:
            return
        if chunk:
            yield chunk


async def read_statement(
    first: bytes, chunks: AsyncIterator[bytes], limit: int = MAX_STATEMENT, *, inline_values: bool = False
) -> tuple[bytes, InsertStatement | None]:
    """Read the text of a statement; of an INSERT, only as much as is needed to find the start of its data.

    Args:
        first: text before the body; a line end is inserted between them.
        chunks: the body; the data of an INSERT may remain in it.
        limit: the length of the text in bytes.
        inline_values: whether VALUES contain query parameters, and so belong to the text.

    Raises:
        EngineError: the text is longer than the limit.
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


def _split(text: bytes, inline_values: bool, *, whole: bool) -> InsertStatement | None:  # noqa: FBT001 - passed on unchanged
    insert = split_insert(text, whole=whole)
    return None if insert and inline_values and insert.input_format == "Values" else insert


async def spool_data(first: bytes, chunks: AsyncIterator[bytes], file: Path, input_format: str) -> bool:
    """Write data to a file: the engine reads them only when all have arrived, so an incomplete INSERT writes nothing.

    Returns:
        Whether the data are Values that may call a function that leaves the data folder.

    Raises:
        EngineError: the data are too long, or the disk is full.
    """
    try:
        return await _spool(first, chunks, file, checks=reads_expressions(input_format))
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise engine_error(ClickHouseCode.NOT_ENOUGH_SPACE, f"The data cannot be stored: {error.strerror}") from error


async def _spool(first: bytes, chunks: AsyncIterator[bytes], file: Path, *, checks: bool) -> bool:
    size, batch = 0, bytearray(first)
    unsafe, tail = False, b""
    with await asyncio.to_thread(file.open, "wb") as out:

        async def write() -> None:
            nonlocal size, unsafe, tail
            if checks:
                unsafe = unsafe or has_unsafe_values(tail + batch)
                tail = bytes(batch[-MAX_SUSPICIOUS_LENGTH:])
            size += await asyncio.to_thread(out.write, batch)

        async for chunk in chunks:
            batch += chunk
            if len(batch) >= WRITE:
                await write()
                batch = bytearray()
            if size > MAX_DATA:
                raise engine_error(ClickHouseCode.QUERY_IS_TOO_LARGE, f"The data are longer than {MAX_DATA} bytes")
        await write()
    return unsafe
