"""The body of a multipart form in, its fields and files out."""

import re
from typing import NamedTuple

from pipeline.embedded.failures import Code, Failure, failure

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


def _unreadable(why: str) -> Failure:
    return failure(Code.BAD_ARGUMENTS, f"The form cannot be read: {why}")
