"""Make foreign text safe for terminals: what a user writes to a bot appears on the screens of operators."""

import re
from functools import lru_cache

_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0100-\U000e01ef"
"""Characters that Unicode calls printable though they are invisible; U+FE0F, which turns signs into emoji, is kept."""
_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
STACK = 4
"""Marks above or below a letter that are kept; more of them reach into other lines."""

_SUSPECT = re.compile(f"[^ -~]|[{_INVISIBLE}]")
_INVISIBLE_CHARACTER = re.compile(f"[{_INVISIBLE}]")
_EXTRA_MARKS = re.compile(f"(?<=[{_COMBINING}]{{{STACK}}})[{_COMBINING}]+")
_RAW_BYTES = range(0xDC80, 0xDD00)
"""The code points that stand for single bytes where Python decodes a file name that is not UTF-8."""


def printable(text: str) -> str:
    """Replace every unprintable character by U+FFFD, line ends included, so that one line stays one."""
    if text.isascii() and text.isprintable():
        return text
    return _EXTRA_MARKS.sub(lambda marks: "\N{REPLACEMENT CHARACTER}" * len(marks[0]), _SUSPECT.sub(_replaced, text))


def printable_lines(text: str) -> str:
    """Replace the unprintable characters of each line, and keep the line ends."""
    return "\n".join(map(printable, text.split("\n")))


def escaped(text: str) -> str:
    """Write every unprintable character as a backslash escape with its number."""
    return _SUSPECT.sub(_escape, text)


def escaped_json(text: str, encoding: str = "utf-8") -> str:
    r"""Write characters that cannot be printed, or not in `encoding`, as JSON escapes (\u001b) of the same data."""
    safe = _SUSPECT.sub(lambda one: one[0] if one[0] == "\n" or _is_visible(one[0]) else _json_escape(one), text)
    if encoding.lower().replace("-", "") == "utf8":
        return safe
    return re.sub("[^ -~\n]", lambda one: one[0] if _can_encode(one[0], encoding) else _json_escape(one), safe)


def shortened(text: str, limit: int) -> str:
    """Cut a text after `limit` characters, and append how many are missing."""
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text) - limit:,} more characters)"


def _is_visible(character: str) -> bool:
    return character.isprintable() and not _INVISIBLE_CHARACTER.match(character)


def _replaced(match: re.Match[str]) -> str:
    if _is_visible(match[0]):
        return match[0]
    return _escape(match) if ord(match[0]) in _RAW_BYTES else "\N{REPLACEMENT CHARACTER}"


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    if _is_visible(character):
        return character
    if ord(character) in _RAW_BYTES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _json_escape(match: re.Match[str]) -> str:
    data = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex()}" for at in range(0, len(data), 2))


@lru_cache(4_096)
def _can_encode(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
