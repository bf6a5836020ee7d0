"""A place in a JSON value in; what stands there masked or dropped, and noted in what is found of its entry, out."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.ingest.redaction.allowlist import Places
from pipeline.ingest.redaction.lossless_json import Holder, text_of
from pipeline.ingest.redaction.values import MASK, Values

SHAPES = {"Scalar", "List", "Composite"}
"""What a slot may be, whatever fills it."""

OBFUSCATED = re.compile(r"\{([\w.-]{1,100})\}")
"""What Lex writes for the value of a slot. No JSON is written so, as its names are in quotes."""

Members = dict[str, Any]


@dataclass(slots=True)
class MaskedSpan:
    """What has been found of an entry: slots that Lex has obfuscated, values that were masked, and `marks` for them.

    `heard` are its HEARD texts, by where they stand, and whether something in them was masked.
    """

    obfuscated: Collection[str]
    values: Values = field(default_factory=Values)
    marks: set[str] = field(default_factory=set)
    heard: list[tuple[Any, Any, bool]] = field(default_factory=list)


@dataclass(slots=True)
class TextPart:
    """A text that is JSON itself, taken apart; it stays `text` where its value is still written as `written`."""

    text: str
    value: Any
    written: bytes
    places: Places
    found: MaskedSpan


def objects(holder: Members, name: str, found: MaskedSpan, word: str = "") -> Iterator[Members]:
    """The object there, or the objects of a list; anything else is not what it should be, so it is masked.

    `word` says what it was, where that is not its name.
    """
    value = holder[name]
    value = value.value if isinstance(value, TextPart) else value
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


def drop(holder: Members, name: str, found: MaskedSpan, word: str = "") -> None:
    """Take the member away; `word` says what it was, where that is not its name."""
    del holder[name]
    found.marks.add(word or name)


def mask(holder: Holder, at: Any, found: MaskedSpan, word: str = "", least: int = 0) -> None:
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
