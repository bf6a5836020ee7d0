"""Write the names of files as text that JSON, logs and terminals can hold, and read them back: names are bytes."""

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

BYTES = "bytes:"
"""Stands before a name that is no UTF-8, written as in a URL; and before one that begins so itself."""
PLAIN = "/ ._-+=,@()[]:~"


def name_of(path: str) -> str:
    """Name the file at `path`: as it is called, if that is text."""
    if path.isascii() and not path.startswith(BYTES):
        return path
    name = os.fsencode(path)
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return BYTES + quote_from_bytes(name, PLAIN)
    return BYTES + quote_from_bytes(name, PLAIN) if path.startswith(BYTES) else path


def path_of(name: str) -> str:
    """Find the path of a file that `name_of` has named."""
    return os.fsdecode(unquote_to_bytes(name.removeprefix(BYTES))) if name.startswith(BYTES) else name
