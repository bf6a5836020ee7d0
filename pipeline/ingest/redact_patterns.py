"""A text in; the same with numbers of payment cards, e-mail addresses and phone numbers masked, out."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from phonenumbers import Leniency, PhoneNumberMatcher
from stdnum import luhn

PREFIX = "pattern."
"""Of the word for a pattern among what was redacted."""

Find = Callable[[str], Iterator[tuple[int, int]]]
"""Where in a text something stands: begin and end, in their order."""

AT = r"[@\uff20]"
SUSPECT = re.compile(rf"{AT}|%40|\d(?:\D{{0,5}}\d){{6}}")
"""What has neither an @ nor seven digits close together holds none of them."""

NONE_OF_THEM = re.compile(
    r"""(
    (?<![\w-]) [0-9a-fA-F]{8} (?:-[0-9a-fA-F]{4}){3} - [0-9a-fA-F]{12} (?![\w-])  # a UUID
    | (?<![\d-]) (?:19|20)\d\d - (?:0[1-9]|1[0-2]) - (?:0[1-9]|[12]\d|3[01]) (?![\d-])  # a date, as Lex writes it
    | \\[bfnrt] | \\u[0-9a-fA-F]{4}  # what JSON writes for a character, in a text that is JSON or part of one
    )""",
    re.VERBOSE,
)
"""Digits in them may be those of a card or a phone only by chance."""

ASCII_ESCAPE = re.compile(r"\\u00([2-7][0-9a-fA-F])")

CARD_DIGITS = range(13, 20)
BETWEEN = r"[\s._\xb7\u200b-\u2015\u2212-]{0,3}"
"""Blanks, dots, hyphens and dashes, seen or not."""
DIGITS = re.compile(rf"\d(?:{BETWEEN}\d){{12,}}")
CARD = re.compile(r"[2-6]|8[12]|9792")
"""What the number of a card begins with: of all that pass the check of its last digit, one in two."""

LOCAL, DOMAIN = r"[\w.!#$%&'*+/=?^`{|}~-]", r"[\w-]++(?:\.[\w-]++)++"
EMAIL = re.compile(
    rf"""(?: (?<!{LOCAL}) {LOCAL}++ | "[^"\n]{{1,64}}+" ) {AT} (?:{DOMAIN} | \[[\d.:a-fA-F]++\])
    | (?<![\w.+~-]) [\w.+~-]++ %40 {DOMAIN}""",
    re.VERBOSE,
)
"""Written so that no text takes more than a few looks at each of its characters."""

ABROAD = re.compile(r"(?<!\d)[+\uff0b]\s?\(?\d(?:[\s()./\u200b-\u2015\u2212-]{0,3}\d){6,14}(?!\d)")
"""A number of any country, given or not: who writes a + means one."""


class Patterns:
    """Masks what it was made for: [email], [card], [phone]."""

    def __init__(self, kinds: Collection[str], region: str) -> None:
        """`kinds` are some of card, email and phone; `region` is the country of phone numbers without a +."""
        finds: dict[str, Find] = {"email": _emails, "card": _cards, "phone": lambda text: _phones(text, region)}
        self._finds = {kind: find for kind, find in finds.items() if kind in kinds}

    def __bool__(self) -> bool:
        return bool(self._finds)

    def masked(self, text: str, marks: set[str]) -> str:
        """`text` with masks; what was found is added to `marks`. What it gives is given back unchanged.

        What is left next to a mask may look like a number only now, so it looks until there is nothing more: it
        ends, as no mask has a digit or an @.
        """
        if not self._finds:
            return text
        plain = ASCII_ESCAPE.sub(_character, text) if "\\u00" in text else text
        masked = plain
        while SUSPECT.search(masked) and (once := self._once(masked, marks)) != masked:
            masked = once
        return text if masked == plain else masked

    def _once(self, text: str, marks: set[str]) -> str:
        pieces = NONE_OF_THEM.split(text)
        for place in range(0, len(pieces), 2):
            for kind, find in self._finds.items():
                if SUSPECT.search(pieces[place]):
                    pieces[place] = _without(pieces[place], kind, find, marks)
        return "".join(pieces)


def _character(escape: re.Match[str]) -> str:
    """What JSON writes so, but for what it has to write so."""
    character = chr(int(escape[1], 16))
    return escape[0] if character in '"\\' else character


def _without(text: str, kind: str, find: Find, marks: set[str]) -> str:
    found = list(find(text))
    if found:
        marks.add(PREFIX + kind)
    for begin, end in reversed(found):
        text = f"{text[:begin]}[{kind}]{text[end:]}"
    return text


def _emails(text: str) -> Iterator[tuple[int, int]]:
    for found in EMAIL.finditer(text):
        last = found[0].rpartition(".")[2]
        if found[0].endswith("]") or not last.isdigit():  # lodash@4.17.21 is no address
            yield found.span()


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """What may be cards, in groups of any size: where two overlap, nobody knows which of them is one."""
    for run in DIGITS.finditer(text):
        places = [place for place in range(*run.span()) if text[place].isdecimal()]
        digits = "".join(str(int(text[place])) for place in places)  # of any script, as Luhn's check knows only one
        borders = {0, len(places)} | {n for n in range(1, len(places)) if places[n - 1] + 1 < places[n]}
        found = (
            (begin, begin + size)
            for begin in sorted(borders)
            for size in CARD_DIGITS
            if begin + size in borders and _card(digits[begin : begin + size])
        )
        for begin, end in _merged(found):
            yield places[begin], places[end - 1] + 1


def _card(digits: str) -> bool:
    return bool(CARD.match(digits)) and bool(luhn.is_valid(digits))


def _phones(text: str, region: str) -> Iterator[tuple[int, int]]:
    """Valid numbers of `region`, as it writes them; of any other country where they begin with +."""
    known = ((found.start, found.end) for found in PhoneNumberMatcher(text, region, Leniency.VALID, len(text)))
    return _merged(sorted([*known, *(found.span() for found in ABROAD.finditer(text))]))


def _merged(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in the order of their beginnings; those that overlap are one."""
    begin, end = 0, 0
    for first, last in spans:
        if first >= end:
            if end:
                yield begin, end
            begin = first
        end = max(end, last)
    if end:
        yield begin, end
