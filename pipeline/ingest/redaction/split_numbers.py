"""Mask card and phone numbers that are split over neighbours: items of a list, or members of an object."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.ingest.redaction.cards import SIZES, LuhnDigits
from pipeline.ingest.redaction.lossless_json import Container, text_of
from pipeline.ingest.redaction.masking import RedactionState
from pipeline.ingest.redaction.patterns import DATE_OR_UUID, PREFIX, Patterns
from pipeline.ingest.redaction.phones import SIZES as PHONE_SIZES
from pipeline.ingest.redaction.view import normalised

MemberPath = tuple[str, ...]
"""Names of members that lead to a value, without trailing digits; alike for items of a list, and part1 and part2."""

DIGITS_ONLY = re.compile(r"[\W_]*[0-9][0-9\W_]*")
"""A text with digits and no letters."""
MAX_LENGTH = 40
"""Characters of such a text: a card is not longer, whatever lies between its digits."""
MAX_ROUNDS = 4
UNEVEN_GROUPS = {(4, 6, 5), (4, 6, 4)}
"""Digits in the groups of a card, if they differ."""
NON_DIGITS = re.compile("[^0-9]")


@dataclass(slots=True)
class NumberPart:
    """A value that may be a part of a number: its place and its digits."""

    parent: Any
    key: Any
    state: RedactionState
    digits: str
    has_plus: bool
    """True if a + precedes the digits."""
    masked: bool = False


class SplitNumbers:
    """The parts in one entry, grouped by the object that holds them, and by the path that leads to them."""

    def __init__(self) -> None:
        self._groups: dict[MemberPath | int, list[NumberPart]] = {}

    def add(self, parent: Container, key: Any, path: MemberPath, state: RedactionState) -> None:
        """Add the value at `key` if it may be a part of a number."""
        value: Any = parent[key]
        text = text_of(value)
        if (
            len(text) <= MAX_LENGTH
            and DIGITS_ONLY.fullmatch(digits := normalised(text))
            and (type(value) is str or text.isdecimal())
        ):
            part = NumberPart(parent, key, state, NON_DIGITS.sub("", digits), "+" in digits)
            self._groups.setdefault((*path, without_digits(key)), []).append(part)
            if type(parent) is dict:
                self._groups.setdefault(id(parent), []).append(part)

    def mask(self, patterns: Patterns) -> None:
        """Mask the parts that form a number; repeat, as the remaining parts have new neighbours."""
        for _ in range(MAX_ROUNDS):
            if not sum(self._mask_once(key, patterns) for key in self._groups):
                return
        for group in self._groups.values():
            _mask(group, "card")

    def _mask_once(self, key: MemberPath | int, patterns: Patterns) -> bool:
        parts = self._groups[key] = [part for part in self._groups[key] if not part.masked]
        if len(parts) > 1:
            if type(key) is not int and (kind := _number_kind(parts, patterns)):
                _mask(parts, kind)
            elif "card" in patterns:
                for begin, end in _cards(parts):
                    _mask(parts[begin:end], "card")
        return any(part.masked for part in parts)


def without_digits(name: Any) -> str:
    """Return a member's name without trailing digits; "" for an index in a list."""
    return name.rstrip("0123456789") if type(name) is str else ""


def _number_kind(parts: Sequence[NumberPart], patterns: Patterns) -> str:
    """Return the kind of number that all parts form, "" if none."""
    digits = "".join(part.digits for part in parts[: SIZES.stop])
    if len(parts) >= SIZES.stop or len(digits) >= SIZES.stop:
        return ""
    if patterns.card(digits):
        return "card"
    if parts[0].has_plus and len(digits) in PHONE_SIZES:
        return "phone" if "phone" in patterns else ""
    date = DATE_OR_UUID.fullmatch("-".join(part.digits for part in parts))
    return "phone" if not date and patterns.phone(digits) else ""


def _cards(parts: Sequence[NumberPart]) -> Iterator[tuple[int, int]]:
    """Yield parts among others that form a card in its usual groups: other groupings are too often one by chance."""
    for begin in range(len(parts) - 1):
        digits, sizes = "", list[int]()
        for end, part in enumerate(parts[begin : begin + SIZES.stop], begin + 1):
            digits += part.digits
            sizes.append(len(part.digits))
            if len(digits) >= SIZES.stop:
                break
            if (
                len(digits) in SIZES
                and len(sizes) > 1
                and _are_card_groups(sizes)
                and LuhnDigits(digits).is_issued_card(0, len(digits))
            ):
                yield begin, end


def _are_card_groups(sizes: Sequence[int]) -> bool:
    return tuple(sizes) in UNEVEN_GROUPS or (1 < sizes[0] == min(sizes[:-1]) == max(sizes[:-1]) >= sizes[-1])


def _mask(parts: Iterable[NumberPart], kind: str) -> None:
    for part in parts:
        part.parent[part.key] = f"[{kind}]"
        part.masked = True
        part.state.marks.add(PREFIX + kind)
