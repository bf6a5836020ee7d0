"""Write file names, which are bytes, as text that JSON, logs and terminals can hold, and read them back."""

import os
from urllib.parse import quote_from_bytes, unquote_to_bytes

BYTES = "bytes:"
"""Prefix of a name that is not UTF-8, written as in a URL, and of a name that has this prefix itself."""
PLAIN = "/ ._-+=,@()[]:~"


def name_of(path: str) -> str:
    """Return the name of the file at `path` as text; unchanged if it is UTF-8."""
    if path.isascii() and not path.startswith(BYTES):
        return path
    name = os.fsencode(path)
    try:
        name.decode("utf-8")
    except UnicodeDecodeError:
        return BYTES + quote_from_bytes(name, PLAIN)
    return BYTES + quote_from_bytes(name, PLAIN) if path.startswith(BYTES) else path


def path_of(name: str) -> str:
    """Return the path of a file from its `name_of`."""
    return os.fsdecode(unquote_to_bytes(name.removeprefix(BYTES))) if name.startswith(BYTES) else name
