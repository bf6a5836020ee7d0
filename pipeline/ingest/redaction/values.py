"""What was masked in one place of an entry in; the other texts of the entry without it out."""

import re

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
