"""Make the texts of users safe to look at: show characters that cannot be seen as their numbers."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from markupsafe import Markup

_KEPT = "\n\t\u200c\u200d\ufe0f"
"""Characters without a shape of their own that text needs: line ends, and what joins letters and emoji."""
_INVISIBLE = "\u115f\u1160\u2800\u3164\uffa0\u00ad\ufe00-\ufe0e\U000e0100-\U000e01ef"
"""Characters that Unicode calls printable though they cannot be seen."""
_SUSPECT = re.compile(rf"[^ -~{_KEPT}]|[{_INVISIBLE}]")
_COMBINING = "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
_EXTRA_MARKS = re.compile(f"({_COMBINING}{{4}}){_COMBINING}+")
"""More combining marks than any language stacks on a letter; they would reach into other lines."""
_ODD = re.compile(r"\u27e8U\+[0-9A-F]{4,6}\u27e9")
FOLDED = 2_000
"""Characters of a text after which it is folded."""


class Segment(NamedTuple):
    """A piece of a text: plain, an odd character shown as its number, or a match of a search."""

    kind: str
    text: str


class Exact(str):
    """A text that templates write as it is (escaped), such as the value of a form field."""

    __slots__ = ()


def visible(text: str) -> str:
    """Write every character that cannot be seen as its number in angle brackets, such as U+202E."""
    if text.isascii() and text.isprintable():
        return text
    return _EXTRA_MARKS.sub(r"\1", _SUSPECT.sub(_shown, text.replace("\r\n", "\n")))


def segments(text: str, find: str = "") -> Iterator[Segment]:
    """Split a text into pieces, those that match `find` in any case marked."""
    shown = visible(text)
    pattern = f"{_ODD.pattern}|(?P<found>{re.escape(visible(find))})" if find else _ODD.pattern
    end = 0
    for match in re.finditer(pattern, shown, re.IGNORECASE):
        if match.start() > end:
            yield Segment("plain", shown[end : match.start()])
        yield Segment("found" if find and match["found"] else "odd", match[0])
        end = match.end()
    if end < len(shown):
        yield Segment("plain", shown[end:])


def finalize(value: object) -> object:
    """Make every text visible that a template writes, whatever its author remembers."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup | Exact) else value


def _shown(match: re.Match[str]) -> str:
    character = match[0]
    if character.isprintable() and not re.match(f"[{_INVISIBLE}]", character):
        return character
    return character if character in "\u00a0\u202f\u3000" else f"\u27e8U+{ord(character):04X}\u27e9"
