"""Find payment card numbers among digits, however they are grouped and whatever is joined to them."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

SIZES = range(13, 20)
CARD = re.compile(r"[2-6]|8[12]|9792")
"""First digits of card numbers; one in two of the numbers that pass the Luhn check has them."""

TRAILING_SIZES = frozenset((3, 4, 6, 7, 8, 9, 10))
"""Numbers of digits that may directly follow a card: its security code, its expiry month and year, or both."""
LEADING_SIZES = (3, 4)
"""Digits of a security code directly before a card of LED_CARD_SIZES: others are too often one by chance."""
LED_CARD_SIZES = range(15, 17)

GROUP_DIGITS = 4
"""Digits of a usual group: nothing is joined to the last one."""

_VISA, _MASTERCARD, _AMEX = "4", "5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", "3[47]"
_DINERS, _MANY = "30[0-5]|3095|3[689]", "6011|64[4-9]|65|60|35(?:2[89]|[3-8])|62|8[12]|220[0-4]|50[0-9]{2}|5[6-9]|6[37]"
_ISSUERS = {
    13: f"{_VISA}|50[0-9]{{2}}|5[6-8]|6[37]",
    14: f"{_DINERS}|50[0-9]{{2}}|5[6-8]|6[37]",
    15: f"{_AMEX}|50[0-9]{{2}}|5[6-8]|6[37]",
    16: f"{_VISA}|{_MASTERCARD}|{_MANY}|{_DINERS}|9792",
    17: f"{_MANY}|36",
    18: f"{_MANY}|36",
    19: f"{_VISA}|{_MANY}|36",
}
ISSUERS = {size: re.compile(beginnings) for size, beginnings in _ISSUERS.items()}
"""First digits of the numbers of each size, by their issuers."""

_LUHN_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)

Span = tuple[int, int]


class LuhnDigits:
    """Digits of which any range can be checked at once (Luhn)."""

    def __init__(self, digits: str) -> None:
        self.digits = digits
        numbers = [ord(digit) - 48 for digit in digits]
        self._sums = [
            [0, *accumulate(n if position % 2 == last else _LUHN_DOUBLED[n] for position, n in enumerate(numbers))]
            for last in (0, 1)
        ]

    def may_be_card(self, begin: int, end: int) -> bool:
        """Return whether the range may be a card number."""
        return bool(CARD.match(self.digits, begin)) and self._passes(begin, end)

    def is_issued_card(self, begin: int, end: int) -> bool:
        """Return whether the range is a card number of a size that its issuer uses."""
        return self._passes(begin, end) and bool(ISSUERS[end - begin].match(self.digits, begin))

    def _passes(self, begin: int, end: int) -> bool:
        sums = self._sums[(end - 1) % 2]
        return (sums[end] - sums[begin]) % 10 == 0


def cards(digits: str, borders: Sequence[int]) -> Iterator[Span]:
    """Yield the spans of `digits` that may be cards; `borders` are the bounds of groups, from 0 to their length.

    Whole groups that form a card number are one. So is a part of a group that issuers use, with a security code or
    another card joined to it. What is joined is in the span, as it belongs to the card.
    """
    if len(digits) < SIZES.start:
        return
    checked = LuhnDigits(digits)
    yield from _grouped(checked, borders)
    if any(end - begin > GROUP_DIGITS for begin, end in pairwise(borders)):
        yield from _within_groups(checked, borders)


def _grouped(checked: LuhnDigits, borders: Sequence[int]) -> Iterator[Span]:
    group_borders = frozenset(borders)
    for begin in borders:
        for end in range(begin + SIZES.start, min(begin + SIZES.stop, len(checked.digits) + 1)):
            if end in group_borders and checked.may_be_card(begin, end):
                yield begin, end


def _within_groups(checked: LuhnDigits, borders: Sequence[int]) -> Iterator[Span]:
    """Yield cards of which at least one end lies within a group, in the order of their beginnings."""
    size = len(checked.digits)
    group_begin, group_end = [0] * (size + 1), [size] * (size + 1)
    for begin, end in pairwise(borders):
        group_begin[begin + 1 : end + 1] = [begin] * (end - begin)
        group_end[begin:end] = [end] * (end - begin)
    ends = _ends(checked, group_end)
    begins, led = set(borders), {begin + lead for begin in borders for lead in LEADING_SIZES}
    for begin in range(size):
        for end in ends[begin]:
            if begin in begins or (begin in led and end - begin in LED_CARD_SIZES):
                begins.add(end)
                yield group_begin[begin + 1], group_end[end - 1]


def _ends(checked: LuhnDigits, group_end: Sequence[int]) -> list[tuple[int, ...]]:
    """Return, for each begin, the ends of cards that are followed only by what may be joined to one in the group."""
    size = len(checked.digits)
    ends: list[tuple[int, ...]] = [()] * (size + 1)
    for begin in range(size - SIZES.start, -1, -1):
        if CARD.match(checked.digits, begin):
            ends[begin] = tuple(
                end
                for end in range(begin + SIZES.start, min(begin + SIZES.stop, size + 1))
                if (ends[end] or (rest := group_end[end - 1] - end) == 0 or rest in TRAILING_SIZES)
                and checked.is_issued_card(begin, end)
            )
    return ends
