"""The body of a multipart form in, its fields out."""

import re

from pipeline.embedded.failures import Code, Failure, failure

_NAME = re.compile(rb'[; ]name="((?:[^"\\]|\\.)*)"')
_FILE = re.compile(rb"[; ]filename\*?=")
_BOUNDARY = re.compile(r'boundary=(?:"([^"]+)"|([^;\s]+))')


def is_form(content_type: str) -> bool:
    """Whether a body is a form. As with a server only a multipart one is: curl calls any text urlencoded."""
    return content_type.partition(";")[0].strip().lower() == "multipart/form-data"


def fields(body: bytes, content_type: str) -> dict[str, str]:
    """Field name to value.

    Raises:
        Failure: the body is no such form, is not UTF-8, or brings a file.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise _unreadable("its Content-Type names no boundary")
    _, *parts = (b"\r\n" + body).split(b"\r\n--" + (boundary[1] or boundary[2]).encode())
    found: dict[str, str] = {}
    for part in parts:
        if part.startswith(b"--"):
            return found
        name, value = _field(part)
        found[name] = value
    raise _unreadable("its last boundary is missing")


def _field(part: bytes) -> tuple[str, str]:
    head, separator, value = part.partition(b"\r\n\r\n")
    name = _NAME.search(head)
    if not separator or name is None:
        raise _unreadable("a part of it has no name")
    if _FILE.search(head):
        raise failure(Code.NOT_IMPLEMENTED, "The embedded engine takes no external tables; bind an array instead")
    try:
        return name[1].decode(), value.decode()
    except UnicodeDecodeError:
        raise _unreadable("a part of it is not UTF-8") from None


def _unreadable(why: str) -> Failure:
    return failure(Code.BAD_ARGUMENTS, f"The form cannot be read: {why}")
