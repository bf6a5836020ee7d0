"""Mask payment card numbers, e-mail addresses and phone numbers in a text, in time linear in its length."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from pipeline.ingest.redaction.cards import Span, cards
from pipeline.ingest.redaction.emails import SPELLED, emails
from pipeline.ingest.redaction.masking import MASK
from pipeline.ingest.redaction.phones import SIZES, Phones
from pipeline.ingest.redaction.view import TextView, views

PREFIX = "pattern."
"""Prefix of a pattern's label."""

MAX_ROUNDS = 4
"""A text that has still more to mask after this is masked as a whole: it was made to hide something."""

Match = tuple[int, int, str]
"""Begin, end and kind."""

DIGIT_RUN = re.compile(r"[0-9](?:[\W_]*+[0-9]){6,}+")
"""Digits with anything but letters between them; numbers have no fewer digits."""
SIGNS = re.compile(r"[@%&\\0-9(\[{<\x80-\U0010ffff]")
"""Text without these, or a dot in words, needs no search: this holds for most of what is said."""
SUSPECT = re.compile(rf"[@%&\\]|[^\x00-\x7f]|{DIGIT_RUN.pattern}|{SPELLED.pattern}", re.IGNORECASE)
"""Text without a match has no pattern in it."""

DATE_OR_UUID = re.compile(
    r"""(?<![\w-]) [0-9a-fA-F]{8} (?:-[0-9a-fA-F]{4}){3} - [0-9a-fA-F]{12} (?![\w-])  # a UUID
    | (?<![\d]) (?<!\d[-/.])
      (?: (?:19|20)\d\d ([-/.]) (?:0?[1-9]|1[0-2]) \1 (?:0?[1-9]|[12]\d|3[01])  # a date, as Lex writes it
        | (?:0?[1-9]|[12]\d|3[01]) ([-/.]) (?:0?[1-9]|[12]\d|3[01]) \2 (?:19|20)\d\d )
      (?: (?:T|,?[ ]) [0-2]\d:[0-5]\d (?: :[0-5]\d (?:[.,]\d{1,9})? )? )?  # and a time
      (?! [-/.]?\d )""",
    re.VERBOSE,
)
"""Dates and UUIDs: their digits match a card or a phone only by chance."""

PHONE_GAP = 5
"""Characters between two digits of a phone number."""
INTERNATIONAL = re.compile(r"\+[\W_]{0,3}[0-9](?:[^\w+@]{0,5}[0-9]){6,14}(?![0-9])")
"""A phone number of any country, assigned or not, as the + shows."""


class Patterns:
    """Masks the configured kinds as [email], [card], [phone]."""

    def __init__(self, kinds: Collection[str], region: str) -> None:
        """`kinds` are some of card, email and phone; `region` is the country of phone numbers without a +."""
        self._kinds = frozenset(kinds)
        self._phones = Phones(region if "phone" in kinds else "")

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def __contains__(self, kind: str) -> bool:
        return kind in self._kinds

    def masked(self, text: str, marks: set[str]) -> str:
        """Return `text` with patterns masked; add their labels to `marks`. Masking the result again changes nothing.

        Text next to a mask may look like a number only now, so this repeats until nothing more is found.
        """
        if not self._kinds:
            return text
        for _ in range(MAX_ROUNDS):
            matches = self._find(text)
            if not matches:
                return text
            marks.update(PREFIX + kind for _, _, kind in matches)
            text = _mask_matches(text, matches)
        return MASK if self._find(text) else text

    def card(self, digits: str) -> bool:
        """Return whether the concatenated `digits` may be a card number that is to be masked."""
        return "card" in self._kinds and any(True for _ in cards(digits, (0, len(digits))))

    def phone(self, digits: str) -> bool:
        """Return whether the digits are a phone number that is to be masked."""
        return len(digits) in SIZES and digits in self._phones

    def _find(self, text: str) -> list[Match]:
        if not (SIGNS.search(text) or "dot" in text.lower()) or not SUSPECT.search(text):
            return []
        return _merge_matches(sorted(match for view in views(text) for match in self._find_in_view(view)))

    def _find_in_view(self, view: TextView) -> Iterator[Match]:
        if "email" in self._kinds:
            for begin, end in emails(view.text):
                yield *view.span(begin, end), "email"
        text = DATE_OR_UUID.sub(_blank_out, view.text)
        if "phone" in self._kinds:
            for match in INTERNATIONAL.finditer(text):
                yield *view.span(*match.span()), "phone"
        for run in DIGIT_RUN.finditer(text) if self._kinds - {"email"} else ():
            for begin, end, kind in self._find_in_run(text, *run.span()):
                yield *view.span(begin, end), kind

    def _find_in_run(self, text: str, begin: int, end: int) -> Iterator[Match]:
        positions = [position for position in range(begin, end) if "0" <= text[position] <= "9"]
        digits = "".join([text[position] for position in positions])
        gaps = [n for n in range(1, len(positions)) if positions[n - 1] + 1 < positions[n]]
        borders = [0, *gaps, len(positions)]
        phones = list(self._national_phones(text, positions, digits, borders))
        for first, last in phones:
            start, stop = positions[first], positions[last - 1] + 1
            opening = text[start - 1 : start] == "(" and ")" in text[start:stop]
            yield start - opening, stop, "phone"
        if "card" in self._kinds:
            for first, last in _merge_spans(sorted(cards(digits, borders))):
                # two adjacent phones are no card, though one pair in twenty passes for one
                if not _is_covered(first, last, phones):
                    yield positions[first], positions[last - 1] + 1, "card"

    def _national_phones(self, text: str, positions: list[int], digits: str, borders: list[int]) -> Iterator[Span]:
        """Yield national phone numbers: whole groups, close together, not in a word that has letters."""
        ends, after = frozenset(borders), 0
        wide = (n for n in borders[1:-1] if positions[n] - positions[n - 1] > PHONE_GAP + 1)
        limits = chain(wide, (len(digits),))
        limit = next(limits)
        for begin in borders[:-1]:
            if limit <= begin:
                limit = next(limits)
            if begin < after or _is_fraction(text, positions[begin]):
                continue
            end = self._phones.end(digits, begin, ends, limit)
            if end and not _is_in_word(text, positions[begin], positions[end - 1]):
                yield begin, end
                after = end


def _is_in_word(text: str, first: int, last: int) -> bool:
    return text[first - 1 : first].isalpha() and text[last + 1 : last + 2].isalpha()


def _is_fraction(text: str, first: int) -> bool:
    """Return whether the digits are those of a number below 1."""
    return text[first - 2 : first] == "0." and not text[first - 3 : first - 2].isdigit()


def _is_covered(first: int, last: int, spans: Iterable[Span]) -> bool:
    """Return whether `spans`, in their order, leave no gap between `first` and `last`."""
    for begin, end in spans:
        if begin <= first < end:
            first = end
    return first >= last


def _blank_out(match: re.Match[str]) -> str:
    return "x" * len(match[0])


def _merge_spans(spans: Iterable[Span]) -> Iterator[Span]:
    """Merge overlapping spans, sorted by begin: digits that may belong to two numbers belong to both."""
    begin, end = 0, 0
    for first, last in spans:
        if first >= end:
            if end:
                yield begin, end
            begin = first
        end = max(end, last)
    if end:
        yield begin, end


def _merge_matches(matches: list[Match]) -> list[Match]:
    """Merge overlapping matches into one, of the kind of the longest."""
    merged: list[Match] = []
    longest = 0
    for begin, end, kind in matches:
        if merged and begin < merged[-1][1]:
            first, last, previous_kind = merged[-1]
            merged[-1] = first, max(last, end), kind if end - begin > longest else previous_kind
            longest = max(longest, end - begin)
        else:
            merged.append((begin, end, kind))
            longest = end - begin
    return merged


def _mask_matches(text: str, matches: list[Match]) -> str:
    parts: list[str] = []
    position = 0
    for begin, end, kind in matches:
        parts += (text[position:begin], f"[{kind}]")
        position = end
    return "".join([*parts, text[position:]])
