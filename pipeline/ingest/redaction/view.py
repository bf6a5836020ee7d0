"""Show a text as a reader understands it, so that a pattern is found however its characters are written."""

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

DEPTH = 3
"""How often a text may be escaped in itself, as %2540 is; each time is one more search of it."""

HIDDEN = "\0"
"""Stands for a character that nobody sees, or that belongs to the one before it."""

BLANK_CONTROLS = frozenset("\t\n\v\f\r\x1c\x1d\x1e\x1f\x85")
DOTS = frozenset("\u3002\uff0e\uff61")
"""Full stops that also stand between the labels of a domain."""

IN_JSON = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([bfnrt/]))|\0+")
ELSEWHERE = re.compile(
    r"%([0-7][0-9a-fA-F])|((?:%[89a-fA-F][0-9a-fA-F])+)|(&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,10});)"
)
"""A character in a URL, some that are no ASCII, and a character in HTML."""


class _Characters(dict[int, str]):
    """One character for each: digits of any script as ASCII's, wide forms as plain ones, unseen ones as HIDDEN."""

    def __missing__(self, number: int) -> str:
        self[number] = shown = _shown(chr(number))
        return shown


_CHARACTERS = _Characters()


@dataclass(frozen=True, slots=True)
class View:
    """`text`, whose character `i` stands for the characters from `begins[i]` to `ends[i]` of the text it shows.

    Without these lists each stands for the one at its own place.
    """

    text: str
    begins: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def span(self, begin: int, end: int) -> tuple[int, int]:
        """Where the characters from `begin` to `end` stand in the text that is shown."""
        if self.begins is None or self.ends is None:
            return begin, end
        return self.begins[begin], self.ends[end - 1]


def plain(text: str) -> str:
    """`text` with a plain character for each of its own."""
    return text if text.isascii() else text.translate(_CHARACTERS)


def views(text: str) -> Iterator[View]:
    """Each way to read `text`: as it is, and with its escapes resolved, in turn up to DEPTH times.

    What looks like an escape may be none: 50%41 is both 50A and 50, %, 41.
    """
    shown = plain(text)
    view = View(shown)
    if HIDDEN in shown:
        yield view  # what is not seen may keep apart what would not be a number together
    if "\\" in shown or HIDDEN in shown:
        view = _resolve(view, IN_JSON) or view
    yield view
    yield from islice(_resolved(view), DEPTH)


def _resolved(view: View) -> Iterator[View]:
    while ("%" in view.text or "&" in view.text) and (further := _resolve(view, ELSEWHERE)):
        view = (_resolve(further, IN_JSON) or further) if HIDDEN in further.text else further
        yield view


def _resolve(view: View, escapes: re.Pattern[str]) -> View | None:
    """Replace each escape by what it stands for; None where there is none."""
    parts: list[str] = []
    begins: list[int] = []
    ends: list[int] = []
    at = 0
    for found in escapes.finditer(view.text):
        character = _character(found)
        if character == found[0]:
            continue
        parts += (view.text[at : found.start()], character)
        _extend(view, begins, ends, range(at, found.start()))
        begin, end = view.span(*found.span())
        begins += [begin] * len(character)
        ends += [end] * len(character)
        if not character and ends:
            ends[-1] = end  # what is not seen goes with what it follows
        at = found.end()
    if not at:
        return None
    text = "".join([*parts, view.text[at:]])
    _extend(view, begins, ends, range(at, len(view.text)))
    return View(plain(text), begins, ends)


def _extend(view: View, begins: list[int], ends: list[int], places: range) -> None:
    if view.begins is None or view.ends is None:
        begins.extend(places)
        ends.extend(range(places.start + 1, places.stop + 1))
    else:
        begins.extend(view.begins[places.start : places.stop])
        ends.extend(view.ends[places.start : places.stop])


def _character(escape: re.Match[str]) -> str:
    """What the escape stands for; itself where it stands for nothing."""
    if escape.re is IN_JSON:
        if escape[1]:
            return chr(int(escape[1], 16))
        return " " if escape[2] else ""
    if escape[1]:
        return chr(int(escape[1], 16))
    if escape[2]:
        return bytes.fromhex(escape[2].replace("%", "")).decode(errors="replace")
    return html.unescape(escape[3])


def _shown(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    if character in DOTS:
        return "."
    category = unicodedata.category(character)
    if category in {"Cf", "Mn", "Me"} or (category == "Cc" and character not in BLANK_CONTROLS):
        return HIDDEN
    plain = unicodedata.normalize("NFKC", character)
    return plain if len(plain) == 1 and plain.isascii() else character
