"""Mask numbers of payment cards, e-mail addresses and phone numbers in a text, in time that its length bounds."""

import re
from collections.abc import Collection, Iterable, Iterator
from itertools import chain

from pipeline.ingest.redaction.cards import cards
from pipeline.ingest.redaction.emails import SPELLED, emails
from pipeline.ingest.redaction.masking import MASK
from pipeline.ingest.redaction.phones import SIZES, Phones
from pipeline.ingest.redaction.view import View, views

PREFIX = "pattern."
"""Of the word for a pattern among what was redacted."""

ROUNDS = 4
"""A text in which there is always more to mask is masked as a whole: its author takes pains to hide something."""

Span = tuple[int, int]
Match = tuple[int, int, str]
"""Begin, end and kind."""

RUN = re.compile(r"[0-9](?:[\W_]*+[0-9]){6,}+")
"""Digits with anything but letters between them: no number that is looked for has fewer."""
SIGNS = re.compile(r"[@%&\\0-9(\[{<\x80-\U0010ffff]")
"""What has none of them, nor a dot in words, need not be looked at any closer: most of what is said."""
SUSPECT = re.compile(rf"[@%&\\]|[^\x00-\x7f]|{RUN.pattern}|{SPELLED.pattern}", re.IGNORECASE)
"""What has none of it holds nothing that is looked for."""

NONE_OF_THEM = re.compile(
    r"""(?<![\w-]) [0-9a-fA-F]{8} (?:-[0-9a-fA-F]{4}){3} - [0-9a-fA-F]{12} (?![\w-])  # a UUID
    | (?<![\d]) (?<!\d[-/.])
      (?: (?:19|20)\d\d ([-/.]) (?:0?[1-9]|1[0-2]) \1 (?:0?[1-9]|[12]\d|3[01])  # a date, as Lex writes it
        | (?:0?[1-9]|[12]\d|3[01]) ([-/.]) (?:0?[1-9]|[12]\d|3[01]) \2 (?:19|20)\d\d )
      (?: (?:T|,?[ ]) [0-2]\d:[0-5]\d (?: :[0-5]\d (?:[.,]\d{1,9})? )? )?  # and a time
      (?! [-/.]?\d )""",
    re.VERBOSE,
)
"""Digits in them may be those of a card or a phone only by chance."""

PHONE_GAP = 5
"""Characters between two digits of a phone number."""
ABROAD = re.compile(r"\+[\W_]{0,3}[0-9](?:[^\w+@]{0,5}[0-9]){6,14}(?![0-9])")
"""A number of any country, given or not: who writes a + means one."""


class Patterns:
    """Masks what it was made for: [email], [card], [phone]."""

    def __init__(self, kinds: Collection[str], region: str) -> None:
        """`kinds` are some of card, email and phone; `region` is the country of phone numbers without a +."""
        self._kinds = frozenset(kinds)
        self._phones = Phones(region if "phone" in kinds else "")

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def __contains__(self, kind: str) -> bool:
        return kind in self._kinds

    def masked(self, text: str, marks: set[str]) -> str:
        """`text` with masks; what was found is added to `marks`. What it gives is given back unchanged.

        What is left next to a mask may look like a number only now, so it looks until there is nothing more.
        """
        if not self._kinds:
            return text
        for _ in range(ROUNDS):
            found = self._found(text)
            if not found:
                return text
            marks.update(PREFIX + kind for _, _, kind in found)
            text = _without(text, found)
        return MASK if self._found(text) else text

    def card(self, digits: str) -> bool:
        """Whether `digits`, put together, may be the number of a card that is to be masked."""
        return "card" in self._kinds and any(True for _ in cards(digits, (0, len(digits))))

    def phone(self, digits: str) -> bool:
        """Whether they are a phone number that is to be masked."""
        return len(digits) in SIZES and digits in self._phones

    def _found(self, text: str) -> list[Match]:
        if not (SIGNS.search(text) or "dot" in text.lower()) or not SUSPECT.search(text):
            return []
        return _merged(sorted(found for view in views(text) for found in self._in_view(view)))

    def _in_view(self, view: View) -> Iterator[Match]:
        if "email" in self._kinds:
            for begin, end in emails(view.text):
                yield *view.span(begin, end), "email"
        text = NONE_OF_THEM.sub(_letters, view.text)
        if "phone" in self._kinds:
            for found in ABROAD.finditer(text):
                yield *view.span(*found.span()), "phone"
        for run in RUN.finditer(text) if self._kinds - {"email"} else ():
            for begin, end, kind in self._in_run(text, *run.span()):
                yield *view.span(begin, end), kind

    def _in_run(self, text: str, begin: int, end: int) -> Iterator[Match]:
        places = [place for place in range(begin, end) if "0" <= text[place] <= "9"]
        digits = "".join([text[place] for place in places])
        gaps = [n for n in range(1, len(places)) if places[n - 1] + 1 < places[n]]
        borders = [0, *gaps, len(places)]
        phones = list(self._national(text, places, digits, borders))
        for first, last in phones:
            at, until = places[first], places[last - 1] + 1
            yield at - (text[at - 1 : at] == "(" and ")" in text[at:until]), until, "phone"
        if "card" in self._kinds:
            for first, last in _joined(sorted(cards(digits, borders))):
                if not _covered(first, last, phones):  # two phones side by side, one in twenty such pairs
                    yield places[first], places[last - 1] + 1, "card"

    def _national(self, text: str, places: list[int], digits: str, borders: list[int]) -> Iterator[Span]:
        """Phone numbers of the country: whole groups, close together, and no part of a word that has letters."""
        ends, after = frozenset(borders), 0
        wide = (n for n in borders[1:-1] if places[n] - places[n - 1] > PHONE_GAP + 1)
        limits = chain(wide, (len(digits),))
        limit = next(limits)
        for begin in borders[:-1]:
            if limit <= begin:
                limit = next(limits)
            if begin < after or _fraction(text, places[begin]):
                continue
            end = self._phones.end(digits, begin, ends, limit)
            if end and not _in_word(text, places[begin], places[end - 1]):
                yield begin, end
                after = end


def _in_word(text: str, first: int, last: int) -> bool:
    return text[first - 1 : first].isalpha() and text[last + 1 : last + 2].isalpha()


def _fraction(text: str, first: int) -> bool:
    """Whether the digits there are those of a number below 1."""
    return text[first - 2 : first] == "0." and not text[first - 3 : first - 2].isdigit()


def _covered(first: int, last: int, spans: Iterable[Span]) -> bool:
    """Whether `spans`, in their order, leave nothing between `first` and `last`."""
    for begin, end in spans:
        if begin <= first < end:
            first = end
    return first >= last


def _letters(found: re.Match[str]) -> str:
    return "x" * len(found[0])


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    """Spans in the order of their beginnings; of digits that may be of two numbers nobody knows which it is."""
    begin, end = 0, 0
    for first, last in spans:
        if first >= end:
            if end:
                yield begin, end
            begin = first
        end = max(end, last)
    if end:
        yield begin, end


def _merged(found: list[Match]) -> list[Match]:
    """Those that overlap as one, of the kind of the longest."""
    merged: list[Match] = []
    longest = 0
    for begin, end, kind in found:
        if merged and begin < merged[-1][1]:
            first, last, before = merged[-1]
            merged[-1] = first, max(last, end), kind if end - begin > longest else before
            longest = max(longest, end - begin)
        else:
            merged.append((begin, end, kind))
            longest = end - begin
    return merged


def _without(text: str, found: list[Match]) -> str:
    parts: list[str] = []
    at = 0
    for begin, end, kind in found:
        parts += (text[at:begin], f"[{kind}]")
        at = end
    return "".join([*parts, text[at:]])
