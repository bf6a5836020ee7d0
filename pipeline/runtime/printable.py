"""Make text from outside harmless to terminals: whoever writes to a bot writes to the screens of those who look."""

import re
from functools import lru_cache

_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0\ufe00-\ufe0e\U000e0100-\U000e01ef"
"""Characters that Unicode calls printable though nobody sees them; U+FE0F, which makes emoji of signs, is let be."""
_COMBINING = "\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
STACK = 4
"""Marks above or below a letter; more of them reach into other lines."""

_SUSPECT = re.compile(f"[^ -~]|[{_INVISIBLE}]")
_UNSEEN = re.compile(f"[{_INVISIBLE}]")
_STACKED = re.compile(f"(?<=[{_COMBINING}]{{{STACK}}})[{_COMBINING}]+")
_IN_BYTES = range(0xDC80, 0xDD00)
"""What Python has for the bytes of a name that is no UTF-8."""


def printable(text: str) -> str:
    """Replace every character that cannot be printed by U+FFFD; line ends too, so that one line stays one."""
    if text.isascii() and text.isprintable():
        return text
    return _STACKED.sub(lambda marks: "\N{REPLACEMENT CHARACTER}" * len(marks[0]), _SUSPECT.sub(_replaced, text))


def printable_lines(text: str) -> str:
    """Do the same to each line."""
    return "\n".join(map(printable, text.split("\n")))


def escaped(text: str) -> str:
    """Write every character that cannot be printed as a backslash and its number."""
    return _SUSPECT.sub(_escape, text)


def escaped_json(text: str, encoding: str = "utf-8") -> str:
    r"""Write what cannot be printed, or not in `encoding`, as JSON does (\u001b): it stays the same data."""
    found = _SUSPECT.sub(lambda one: one[0] if one[0] == "\n" or _is_printed(one[0]) else _json_escape(one), text)
    if encoding.lower().replace("-", "") == "utf8":
        return found
    return re.sub("[^ -~\n]", lambda one: one[0] if _fits(one[0], encoding) else _json_escape(one), found)


def shortened(text: str, most: int) -> str:
    """Cut what is longer than `most` characters, and say how much is missing."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text) - most:,} more characters)"


def _is_printed(character: str) -> bool:
    return character.isprintable() and not _UNSEEN.match(character)


def _replaced(found: re.Match[str]) -> str:
    if _is_printed(found[0]):
        return found[0]
    return _escape(found) if ord(found[0]) in _IN_BYTES else "\N{REPLACEMENT CHARACTER}"


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if _is_printed(character):
        return character
    if ord(character) in _IN_BYTES:
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()


def _json_escape(found: re.Match[str]) -> str:
    data = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{data[at : at + 2].hex()}" for at in range(0, len(data), 2))


@lru_cache(4_096)
def _fits(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
