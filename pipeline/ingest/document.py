"""Lines of text in; the same lines out, those put together that are one JSON value written over several."""

import enum
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[{}\[\]]')
"""A string, so that brackets in it are not seen, or a bracket. No JSON string goes over the end of a line."""
DEPTH = {b"{": 1, b"[": 1, b"}": -1, b"]": -1}
MAX_DEPTH = 64
"""Deeper than any log entry; it bounds how often a line is looked at again."""


_one_value = json.JSONDecoder()


class Line(NamedTuple):
    """A line, counted from 1, or the value that begins there. `text` is empty where `size` is too much."""

    number: int
    text: bytes
    size: int


class DocumentTooLongError(Exception):
    """What begins at line `number` is one JSON value so far, and longer than memory should hold."""

    def __init__(self, number: int) -> None:
        super().__init__(f"line {number}")
        self.number = number


class Verdict(enum.Enum):
    """What the lines of a draft are together: the beginning of a JSON value, a JSON value, or none."""

    OPEN = enum.auto()
    WHOLE = enum.auto()
    BROKEN = enum.auto()


class Draft:
    """The lines since one that opened a value; the work is linear in their bytes, whatever they hold."""

    def __init__(self) -> None:
        self.lines: deque[Line] = deque()
        self.size = 0
        self._depth = 0
        self._checked = 0

    def text(self) -> bytes:
        """The lines as they were."""
        return b"\n".join(line.text for line in self.lines)

    def add(self, line: Line) -> Verdict:
        """Take one more line and judge all."""
        self.lines.append(line)
        self.size += line.size + 1
        self._depth += sum(DEPTH.get(token, 0) for token in BRACKETS.findall(line.text))
        if line.size != len(line.text) or self._depth > MAX_DEPTH:
            return Verdict.BROKEN
        if self._depth <= 0:
            return Verdict.WHOLE if _judge(self.text()) is Verdict.WHOLE else Verdict.BROKEN
        if self.size < 2 * self._checked:
            return Verdict.OPEN  # judged again when it has doubled, not with every line
        self._checked = self.size
        return _judge(self.text())


def join_lines(lines: Iterator[Line], max_bytes: int) -> Iterator[Line]:
    """The lines, each once and in order, with every object or array over several lines put together.

    Raises:
        DocumentTooLongError: such a value goes on after `max_bytes`.
    """
    again: deque[Line] = deque()
    draft = Draft()
    while (line := again.popleft() if again else next(lines, None)) or draft.lines:
        if line and not draft.lines and not _may_open(line.text):
            yield line
            continue
        verdict = draft.add(line) if line else Verdict.BROKEN  # the end of the file ends no open value
        if verdict is Verdict.OPEN:
            if draft.size > max_bytes:
                raise DocumentTooLongError(draft.lines[0].number)
            continue
        if verdict is Verdict.WHOLE:
            yield Line(draft.lines[0].number, draft.text(), draft.size - 1)
        else:  # what opened no value is an input of its own; the next line may open one
            yield draft.lines.popleft()
            again.extendleft(reversed(draft.lines))
        draft = Draft()


def objects(text: bytes) -> list[bytes]:
    """The objects of a JSON array that holds nothing else, or objects one behind the other; else nothing."""
    if text.startswith(b"["):
        found = _elements(text)
    elif text.startswith(b"{") and b"}{" in text and _judge(text) is Verdict.BROKEN:
        found = _concatenated(text)
    else:
        return []
    return found if all(value.startswith(b"{") for value in found) else []


def _elements(text: bytes) -> list[bytes]:
    try:
        return [bytes(value) for value in msgspec.json.decode(text, type=list[msgspec.Raw])]
    except (msgspec.DecodeError, RecursionError):
        return []


def _concatenated(text: bytes) -> list[bytes]:
    found, at = [], 0
    try:
        rest = text.decode()
        while at < len(rest):
            _, end = _one_value.raw_decode(rest, at)
            found.append(rest[at:end].encode())
            at = end
    except (ValueError, RecursionError):
        return []
    return found


def _may_open(text: bytes) -> bool:
    """Whether `text` begins an object or an array that goes on in the next line."""
    return text.startswith((b"{", b"[")) and _judge(text) is Verdict.OPEN


def _judge(text: bytes) -> Verdict:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except msgspec.DecodeError as error:
        # the library has no class of its own for a text that is right as far as it goes
        return Verdict.OPEN if "truncated" in str(error) else Verdict.BROKEN
    except RecursionError:
        return Verdict.BROKEN
    return Verdict.WHOLE
