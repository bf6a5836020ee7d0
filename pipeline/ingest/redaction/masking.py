"""A place in a JSON value in; what stands there masked or dropped, and noted in what is found of its entry, out."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.redaction.allowlist import KeptMembers
from pipeline.ingest.redaction.lossless_json import Holder, text_of

MASK = "[redacted]"
"""What stands where something was."""

SHORT = 4
"""A shorter value is looked for as a word of its own: 2 is not in 2026."""

DIGITS = 5
"""So many digits of a number are found however they are grouped."""

MOST = 1_000
"""More values are not looked for one by one: any text may hold one of them."""

MOST_IN_A_TEXT = 50
"""A text that holds more of them says little else, and would take long."""

NUMBER = re.compile(r"[\d\W_]+")
BETWEEN = r"[\W_]{0,4}"


class Values:
    """The values of one entry, upper and lower case alike, each with the word for it among what was redacted."""

    def __init__(self) -> None:
        self._words: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._longest_first: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._words)

    def add(self, value: str, word: str) -> None:
        """Look for `value` too."""
        value = value.strip().lower()
        if value and value != MASK and value not in self._words:
            self._words[value] = word
            self._longest_first = []
            digits = re.sub(r"\D", "", value)
            if len(digits) >= DIGITS and NUMBER.fullmatch(value):
                self._numbers.setdefault(digits, word)

    def masked(self, text: str, marks: set[str]) -> str:
        """`text` with a mask for each of the values in it; the words for those are added to `marks`."""
        if len(self._words) > MOST:
            return self._marked(text, MASK, "values", marks)
        self._longest_first = self._longest_first or sorted(self._words, key=len, reverse=True)
        lowered = text.lower()
        values = [value for value in self._longest_first if value in lowered]
        numbers = self._numbers_in(text)
        if len(values) + len(numbers) > MOST_IN_A_TEXT:
            return self._marked(text, MASK, "values", marks)
        for value in values:
            text = self._marked(text, _without(text, value), self._words[value], marks)
        for digits in numbers:
            text = self._marked(text, _without_number(text, digits), self._numbers[digits], marks)
        return text

    def _numbers_in(self, text: str) -> list[str]:
        there = re.sub(r"\D", "", text) if self._numbers else ""
        return [digits for digits in self._numbers if digits in there]

    @staticmethod
    def _marked(before: str, after: str, word: str, marks: set[str]) -> str:
        if before != after:
            marks.add(word)
        return after


def _without(text: str, value: str) -> str:
    return MASK.join(_piece_without(piece, value) for piece in text.split(MASK))


def _piece_without(text: str, value: str) -> str:
    lowered = text.lower()
    if len(lowered) != len(text):  # a letter that is two in lower case: nobody knows where the value begins
        return MASK if value in lowered else text
    alone = len(value) < SHORT and value.isascii()
    kept: list[str] = []
    at, begin = 0, lowered.find(value)
    while begin >= 0:
        end = begin + len(value)
        if alone and (text[begin - 1 : begin].isalnum() or text[end : end + 1].isalnum()):
            end = begin + 1
        else:
            kept += (text[at:begin], MASK)
            at = end
        begin = lowered.find(value, end)
    return "".join([*kept, text[at:]])


def _without_number(text: str, digits: str) -> str:
    return re.sub(rf"(?<!\d){BETWEEN.join(digits)}(?!\d)", MASK, text)


SHAPES = {"Scalar", "List", "Composite"}
"""What a slot may be, whatever fills it."""

OBFUSCATED = re.compile(r"\{([\w.-]{1,100})\}")
"""What Lex writes for the value of a slot. No JSON is written so, as its names are in quotes."""

Members = dict[str, Any]


@dataclass(slots=True)
class RedactionState:
    """What has been found of an entry: slots that Lex has obfuscated, values that were masked, and `marks` for them.

    `heard` are its HEARD texts, by where they stand, and whether something in them was masked.
    """

    obfuscated: Collection[str]
    values: Values = field(default_factory=Values)
    marks: set[str] = field(default_factory=set)
    heard: list[tuple[Any, Any, bool]] = field(default_factory=list)


@dataclass(slots=True)
class NestedJson:
    """A text that is JSON itself, taken apart; it stays `text` where its value is still written as `written`."""

    text: str
    value: Any
    written: bytes
    places: KeptMembers
    found: RedactionState


def objects(holder: Members, name: str, found: RedactionState, word: str = "") -> Iterator[Members]:
    """The object there, or the objects of a list; anything else is not what it should be, so it is masked.

    `word` says what it was, where that is not its name.
    """
    value = holder[name]
    value = value.value if isinstance(value, NestedJson) else value
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if isinstance(each, dict):
                yield each
            else:
                mask(value, place, found, word or name)
    else:
        mask(holder, name, found, word)


def drop(holder: Members, name: str, found: RedactionState, word: str = "") -> None:
    """Take the member away; `word` says what it was, where that is not its name."""
    del holder[name]
    found.marks.add(word or name)


def mask(holder: Holder, at: Any, found: RedactionState, word: str = "", least: int = 0) -> None:
    """Mask all that is there but nothings, and what Lex masked as {Name}.

    Values of `least` characters or more are looked for elsewhere too, where it is not 0.
    """
    stack: list[tuple[Any, Any]] = [(holder, at)]
    names = {at}
    while stack:
        inside, name = stack.pop()
        value = inside[name]
        if isinstance(value, dict):
            names.update(value)
            stack += [(value, each) for each in value]
        elif isinstance(value, list):
            stack += [(value, place) for place in range(len(value))]
        elif value not in (None, "", MASK) and not _tells_nothing(name, value, names):
            inside[name] = MASK
            found.marks.add(word or str(at))
            text = text_of(value)
            if least and len(text) >= least and not OBFUSCATED.fullmatch(text):
                found.values.add(text, word)


def _tells_nothing(name: Any, value: Any, names: Collection[Any]) -> bool:
    """Whether it is the shape of a slot, or the name of one of `names` in braces."""
    if type(value) is not str:
        return False
    return (name == "shape" and value in SHAPES) or (value[0] + value[-1] == "{}" and value[1:-1] in names)
