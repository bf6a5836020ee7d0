"""Normalise a text as a reader understands it, so that patterns are found however their characters are written."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

MAX_UNESCAPES = 3
"""Times that a text may be escaped in itself, as %2540 is; each costs one more search of it."""

INVISIBLE = "\0"
"""Stands for a character that is not visible, or that combines with the one before it."""

BLANK_CONTROLS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85")
DOTS = frozenset("\u3002\uff0e\uff61")
"""Full stops that also separate the labels of a domain."""

JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([bfnrt/]))|\0+")
OTHER_ESCAPE = re.compile(
    r"%([0-7][0-9a-fA-F])|((?:%[89a-fA-F][0-9a-fA-F])+)|(&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});)"
)
"""An escaped ASCII character in a URL, several others, or a character in HTML."""


class _Characters(dict[int, str]):
    """Maps characters: digits of any script to ASCII's, wide forms to plain ones, invisible ones to INVISIBLE."""

    def __missing__(self, number: int) -> str:
        self[number] = shown = _normalised_character(chr(number))
        return shown


_CHARACTERS = _Characters()


@dataclass(frozen=True, slots=True)
class TextView:
    """A normalised `text`; its character `i` stands for the original characters from `begins[i]` to `ends[i]`.

    Without these lists each stands for the original character at its own position.
    """

    text: str
    begins: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Return the original span of the characters from `begin` to `end`."""
        if self.begins is None or self.ends is None:
            return begin, end
        return self.begins[begin], self.ends[end - 1]


def normalised(text: str) -> str:
    """Return `text` with each character replaced by a plain one."""
    return text if text.isascii() else text.translate(_CHARACTERS)


def views(text: str) -> Iterator[TextView]:
    """Yield each way to read `text`: as it is, and with its escapes resolved, up to MAX_UNESCAPES times.

    What looks like an escape may be none: 50%41 is both 50A and 50, %, 41.
    """
    shown = normalised(text)
    view = TextView(shown)
    if INVISIBLE in shown:
        yield view  # invisible characters may separate digits that together are no number
    if "\\" in shown or INVISIBLE in shown:
        view = _resolve(view, JSON_ESCAPE) or view
    yield view
    yield from islice(_resolved(view), MAX_UNESCAPES)


def _resolved(view: TextView) -> Iterator[TextView]:
    while ("%" in view.text or "&" in view.text) and (further := _resolve(view, OTHER_ESCAPE)):
        view = (_resolve(further, JSON_ESCAPE) or further) if INVISIBLE in further.text else further
        yield view


def _resolve(view: TextView, escapes: re.Pattern[str]) -> TextView | None:
    """Replace each escape by what it stands for; None if there are none."""
    parts: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    position = 0
    for match in escapes.finditer(view.text):
        character = _character(match)
        if character == match[0]:
            continue
        parts += (view.text[position : match.start()], character)
        _extend(view, begins, ends, range(position, match.start()))
        begin, end = view.span(*match.span())
        begins += [begin] * len(character)
        ends += [end] * len(character)
        if not character and ends:
            ends[-1] = end  # an invisible character belongs to the one before it
        position = match.end()
    if not position:
        return None
    text = "".join([*parts, view.text[position:]])
    _extend(view, begins, ends, range(position, len(view.text)))
    return TextView(normalised(text), begins, ends)


def _extend(view: TextView, begins: list[int], ends: list[int], places: range) -> None:
    if view.begins is None or view.ends is None:
        begins.extend(places)
        ends.extend(range(places.start + 1, places.stop + 1))
    else:
        begins.extend(view.begins[places.start : places.stop])
        ends.extend(view.ends[places.start : places.stop])


def _character(escape: re.Match[str]) -> str:
    """Return what the escape stands for; the escape itself if it stands for nothing."""
    if escape.re is JSON_ESCAPE:
        if escape[1]:
            return chr(int(escape[1], 16))
        return " " if escape[2] else ""
    if escape[1]:
        return chr(int(escape[1], 16))
    if escape[2]:
        return bytes.fromhex(escape[2].replace("%", "")).decode(errors="replace")
    return html.unescape(escape[3])


def _normalised_character(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character in DOTS:
        return "."
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me"} or (category == "Cc" and character not in BLANK_CONTROLS):
        return INVISIBLE
    compatible = unicodedata.normalize("NFKC", character)
    return compatible if len(compatible) == 1 and compatible.isascii() else character
