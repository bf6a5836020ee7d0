"""Mask or drop values in JSON, and mask the same values in the other texts of their entry."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.redaction.allowlist import KeptMembers
from pipeline.ingest.redaction.lossless_json import Container, text_of

MASK = "[redacted]"
"""The replacement of a masked value."""

WHOLE_WORD_LENGTH = 4
"""Shorter values are masked only as whole words: 2 is not in 2026."""

MIN_NUMBER_DIGITS = 5
"""Numbers of this many digits are found in any grouping."""

MAX_VALUES = 1_000
"""With more values, each text is masked as a whole, as it may hold one of them."""

MAX_VALUES_IN_TEXT = 50
"""A text that holds more values is masked as a whole: it says little else, and masking each would take long."""

NUMBER = re.compile(r"[\d\W_]+")
_SEPARATORS = r"[\W_]{0,4}"


class MaskedValues:
    """The masked values of one entry, in any case, each with the label of what it was."""

    def __init__(self) -> None:
        self._labels: dict[str, str] = {}
        self._numbers: dict[str, str] = {}
        self._longest_first: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._labels)

    def add(self, value: str, label: str) -> None:
        """Add a value to mask elsewhere."""
        value = value.strip().lower()
        if value and value != MASK and value not in self._labels:
            self._labels[value] = label
            self._longest_first = []
            digits = re.sub(r"\D", "", value)
            if len(digits) >= MIN_NUMBER_DIGITS and NUMBER.fullmatch(value):
                self._numbers.setdefault(digits, label)

    def masked(self, text: str, marks: set[str]) -> str:
        """Return `text` with all values masked; add their labels to `marks`."""
        if len(self._labels) > MAX_VALUES:
            return self._marked(text, MASK, "values", marks)
        self._longest_first = self._longest_first or sorted(self._labels, key=len, reverse=True)
        lowered = text.lower()
        values = [value for value in self._longest_first if value in lowered]
        numbers = self._numbers_in(text)
        if len(values) + len(numbers) > MAX_VALUES_IN_TEXT:
            return self._marked(text, MASK, "values", marks)
        for value in values:
            text = self._marked(text, _mask_value(text, value), self._labels[value], marks)
        for digits in numbers:
            text = self._marked(text, _mask_number(text, digits), self._numbers[digits], marks)
        return text

    def _numbers_in(self, text: str) -> list[str]:
        digits_in_text = re.sub(r"\D", "", text) if self._numbers else ""
        return [digits for digits in self._numbers if digits in digits_in_text]

    @staticmethod
    def _marked(before: str, after: str, label: str, marks: set[str]) -> str:
        if before != after:
            marks.add(label)
        return after


def _mask_value(text: str, value: str) -> str:
    return MASK.join(_mask_piece(piece, value) for piece in text.split(MASK))


def _mask_piece(text: str, value: str) -> str:
    lowered = text.lower()
    if len(lowered) != len(text):  # lower case has more characters, so positions are unknown
        return MASK if value in lowered else text
    whole_word_only = len(value) < WHOLE_WORD_LENGTH and value.isascii()
    kept: list[str] = []
    position, begin = 0, lowered.find(value)
    while begin >= 0:
        end = begin + len(value)
        if whole_word_only and (text[begin - 1 : begin].isalnum() or text[end : end + 1].isalnum()):
            end = begin + 1
        else:
            kept += (text[position:begin], MASK)
            position = end
        begin = lowered.find(value, end)
    return "".join([*kept, text[position:]])


def _mask_number(text: str, digits: str) -> str:
    return re.sub(rf"(?<!\d){_SEPARATORS.join(digits)}(?!\d)", MASK, text)


SLOT_SHAPES = {"Scalar", "List", "Composite"}
"""Shapes of slots, which are the same whatever the value."""

OBFUSCATED = re.compile(r"\{([\w.-]{1,100})\}")
"""The placeholder that Lex writes for the value of an obfuscated slot. It is not JSON, whose names are quoted."""

Members = dict[str, Any]


@dataclass(slots=True)
class RedactionState:
    """What was redacted in an entry: slots that Lex has obfuscated, values that were masked, and `marks`, their labels.

    `transcripts` has the place of each transcript, and whether something in it was masked.
    """

    obfuscated: Collection[str]
    values: MaskedValues = field(default_factory=MaskedValues)
    marks: set[str] = field(default_factory=set)
    transcripts: list[tuple[Any, Any, bool]] = field(default_factory=list)


@dataclass(slots=True)
class NestedJson:
    """A parsed text that is JSON itself; it stays `text` if its value is still written as `written`."""

    text: str
    value: Any
    written: bytes
    kept_members: KeptMembers
    state: RedactionState


def child_objects(parent: Members, name: str, state: RedactionState, label: str = "") -> Iterator[Members]:
    """Yield the object there, or the objects of a list; mask anything else, which should be neither.

    `label` defaults to the member's name.
    """
    value = parent[name]
    value = value.value if isinstance(value, NestedJson) else value
    if isinstance(value, dict):
        yield value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield item
            else:
                mask(value, index, state, label or name)
    else:
        mask(parent, name, state, label)


def drop(parent: Members, name: str, state: RedactionState, label: str = "") -> None:
    """Remove the member; `label` defaults to its name."""
    del parent[name]
    state.marks.add(label or name)


def mask(parent: Container, key: Any, state: RedactionState, label: str = "", min_length: int = 0) -> None:
    """Mask all values there, but for empty ones and Lex's {Name} placeholders.

    Values of at least `min_length` characters are masked elsewhere too, unless it is 0.
    """
    stack: list[tuple[Any, Any]] = [(parent, key)]
    names = {key}
    while stack:
        container, name = stack.pop()
        value = container[name]
        if isinstance(value, dict):
            names.update(value)
            stack += [(value, child) for child in value]
        elif isinstance(value, list):
            stack += [(value, index) for index in range(len(value))]
        elif value not in (None, "", MASK) and not _is_meaningless(name, value, names):
            container[name] = MASK
            state.marks.add(label or str(key))
            text = text_of(value)
            if min_length and len(text) >= min_length and not OBFUSCATED.fullmatch(text):
                state.values.add(text, label)


def _is_meaningless(name: Any, value: Any, names: Collection[Any]) -> bool:
    """Return whether the value is the shape of a slot, or one of `names` in braces."""
    if type(value) is not str:
        return False
    return (name == "shape" and value in SLOT_SHAPES) or (value[0] + value[-1] == "{}" and value[1:-1] in names)
