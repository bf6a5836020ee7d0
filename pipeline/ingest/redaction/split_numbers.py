"""Mask numbers of cards and phones that are split over neighbours: items of a list, or members of an object."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.redaction.cards import SIZES, LuhnDigits
from pipeline.ingest.redaction.lossless_json import Holder, text_of
from pipeline.ingest.redaction.masking import RedactionState
from pipeline.ingest.redaction.patterns import NONE_OF_THEM, PREFIX, Patterns
from pipeline.ingest.redaction.phones import SIZES as PHONE
from pipeline.ingest.redaction.view import plain

MemberPath = tuple[str, ...]
"""Names of the members that lead to a value, without digits: alike for items of a list, and for part1 and part2."""

PIECE = re.compile(r"[\W_]*[0-9][0-9\W_]*")
"""A text with digits and no letters."""
LONGEST = 40
"""Characters of such a text: one card has no more, whatever stands between its digits."""
ROUNDS = 4
USUAL = {(4, 6, 5), (4, 6, 4)}
"""Digits of the groups of a card, where these are not alike."""
OTHERS = re.compile("[^0-9]")


@dataclass(slots=True)
class NumberPart:
    """What may be a part of a number: where it stands, and its digits."""

    holder: Any
    at: Any
    found: RedactionState
    digits: str
    abroad: bool
    """Whether a + stands before them."""
    masked: bool = False


class SplitNumbers:
    """The pieces of one entry: those beside one another in an object, and those to which names alike lead."""

    def __init__(self) -> None:
        self._groups: dict[MemberPath | int, list[NumberPart]] = {}

    def add(self, holder: Holder, at: Any, way: MemberPath, found: RedactionState) -> None:
        """Note the value that stands there, if it may be a part of a number."""
        value: Any = holder[at]
        text = text_of(value)
        if len(text) <= LONGEST and PIECE.fullmatch(digits := plain(text)) and (type(value) is str or text.isdecimal()):
            piece = NumberPart(holder, at, found, OTHERS.sub("", digits), "+" in digits)
            self._groups.setdefault((*way, without_digits(at)), []).append(piece)
            if type(holder) is dict:
                self._groups.setdefault(id(holder), []).append(piece)

    def mask(self, patterns: Patterns) -> None:
        """Mask the pieces that together are a number. Without them others may be neighbours, so it looks again."""
        for _ in range(ROUNDS):
            if not sum(self._mask_once(key, patterns) for key in self._groups):
                return
        for group in self._groups.values():
            _mask(group, "card")

    def _mask_once(self, key: MemberPath | int, patterns: Patterns) -> bool:
        pieces = self._groups[key] = [piece for piece in self._groups[key] if not piece.masked]
        if len(pieces) > 1:
            if type(key) is not int and (kind := _whole(pieces, patterns)):
                _mask(pieces, kind)
            elif "card" in patterns:
                for begin, end in _cards(pieces):
                    _mask(pieces[begin:end], "card")
        return any(piece.masked for piece in pieces)


def without_digits(name: Any) -> str:
    """A member's name without the digits it ends with; nothing for a place in a list."""
    return name.rstrip("0123456789") if type(name) is str else ""


def _whole(pieces: Sequence[NumberPart], patterns: Patterns) -> str:
    """What all the pieces are together."""
    digits = "".join(piece.digits for piece in pieces[: SIZES.stop])
    if len(pieces) >= SIZES.stop or len(digits) >= SIZES.stop:
        return ""
    if patterns.card(digits):
        return "card"
    if pieces[0].abroad and len(digits) in PHONE:
        return "phone" if "phone" in patterns else ""
    date = NONE_OF_THEM.fullmatch("-".join(piece.digits for piece in pieces))
    return "phone" if not date and patterns.phone(digits) else ""


def _cards(pieces: Sequence[NumberPart]) -> Iterator[tuple[int, int]]:
    """Pieces among others that make up a card in its usual groups: any others would be one too often by chance."""
    for begin in range(len(pieces) - 1):
        digits, sizes = "", list[int]()
        for end, piece in enumerate(pieces[begin : begin + SIZES.stop], begin + 1):
            digits += piece.digits
            sizes.append(len(piece.digits))
            if len(digits) >= SIZES.stop:
                break
            if (
                len(digits) in SIZES
                and len(sizes) > 1
                and _usual(sizes)
                and LuhnDigits(digits).is_issued_card(0, len(digits))
            ):
                yield begin, end


def _usual(sizes: Sequence[int]) -> bool:
    return tuple(sizes) in USUAL or (1 < sizes[0] == min(sizes[:-1]) == max(sizes[:-1]) >= sizes[-1])


def _mask(pieces: Iterable[NumberPart], kind: str) -> None:
    for piece in pieces:
        piece.holder[piece.at] = f"[{kind}]"
        piece.masked = True
        piece.found.marks.add(PREFIX + kind)
