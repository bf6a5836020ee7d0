"""A JSON value of any shape in; the same, its fields hidden and its texts masked wherever they stand, out."""

import re
from collections.abc import Collection
from typing import Any

from pipeline.ingest.redaction.allowlist import (
    ENTRY,
    FREE,
    LOG_EVENT,
    MARKS,
    NOWHERE,
    PLAUSIBLE,
    SCORED,
    SIZE,
    KeptMembers,
)
from pipeline.ingest.redaction.fields import HEARD, MAY_BE_SAID, Fields, MemberNames
from pipeline.ingest.redaction.lossless_json import Holder, Number, dumps, loads_strictly, text_of, whole
from pipeline.ingest.redaction.masking import MASK, NestedJson, RedactionState
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.split_numbers import MemberPath, SplitNumbers, without_digits

PACKED = "H4sI"
"""Base64 of gzip, as CloudWatch packs envelopes: nobody sees what is in it."""

LEADS = frozenset("{[ \t\r\nH")
"""What a text begins with that may be more than a text."""

JSON = re.compile(r'\s*(?:\{\s*["}]|\[)')
OBJECTS = re.compile(r'\s*(?:\{\s*"|\[\s*["\[{])')
"""The beginning of JSON with texts in it; no one speaks like that."""

NUMBER_DIGITS = 7
UNLISTED = "unlisted"
"""The word for a member that nobody knows: its own name may be what somebody said."""


class TreeRedactor:
    """One value on its way through redaction, in place; `obfuscated` are slots that Lex has obfuscated."""

    def __init__(self, fields: Fields, patterns: Patterns, names: MemberNames, obfuscated: Collection[str]) -> None:
        self._fields, self._patterns, self._names = fields, patterns, names
        self._found = RedactionState(obfuscated)
        self._founds = [self._found]
        self._steps: list[tuple[Any, KeptMembers, MemberPath, RedactionState]] = []
        self._texts: list[tuple[Any, Any, MemberPath, RedactionState]] = []
        self._parts: list[tuple[Any, Any]] = []
        self._joined = SplitNumbers()

    def redact(self, value: Holder, *, dead: bool) -> None:
        """Hide fields, then mask in the texts what was hidden, and patterns. A `dead` letter is trusted less."""
        self._steps.append((value, ENTRY, (), self._found))
        if dead:
            self._dispute(value, self._found)
        while self._steps:
            holder, places, way, found = self._steps.pop()
            before = len(self._steps)
            if type(holder) is dict:
                self._names.mask(holder, found.marks)
                self._object(holder, places, way, found)
            else:
                self._list(holder, places, way, found)
            self._steps[before:] = reversed(self._steps[before:])  # in the order of the document
        for holder, at, way, found in self._texts:
            if self._patterns or found.values:
                self._mask_text(holder, at, way, found)
        self._joined.mask(self._patterns)
        for found in self._founds:
            self._mask_heard(found)
        for holder, at in reversed(self._parts):  # the inner ones first
            self._close(holder, at)
        self._mark(value, self._found.marks)

    def _object(self, holder: dict[str, Any], places: KeptMembers, way: MemberPath, found: RedactionState) -> None:
        acts, entries = self._fields.acts, places is LOG_EVENT
        for name, child in list(holder.items()):
            kind, listed = type(child), places.get(name, NOWHERE)
            if child is None or (listed is None and not (kind is dict or kind is list or places is SCORED)):
                continue
            entry = entries and name == "message" and kind is str
            act = None if entry else acts[name]
            if self._fields.unlisted and not entry and self._hide_unlisted(holder, name, places, act, found):
                continue
            if entry or (kind is str and child[:1] in LEADS):
                self._open(holder, name, found, entry=entry)
            if act:
                act(holder, name, found)
            free = places is FREE or listed is FREE or (act and not listed and name not in MAY_BE_SAID)
            inside = FREE if free else SCORED if listed is None else listed
            self._take(holder, name, inside, (*way, without_digits(name)), found)

    def _hide_unlisted(
        self, holder: dict[str, Any], name: str, places: KeptMembers, act: object, found: RedactionState
    ) -> bool:
        """Mask the member if nothing says what it is; whether that is so."""
        child = holder[name]
        if places is ENTRY and name == MARKS:
            holder[name] = [word for word in child if self._fields.is_mark(word)] if isinstance(child, list) else []
            return False
        if places is ENTRY and name == SIZE and type(child) is Number:
            return False
        if act or places is FREE or (name in places and type(child) in {dict, list}):
            return False
        if child not in ("", MASK):
            holder[name] = MASK
            found.marks.add(UNLISTED)
        return True

    def _list(self, holder: list[Any], places: KeptMembers, way: MemberPath, found: RedactionState) -> None:
        for at, child in enumerate(holder):
            if self._fields.unlisted and places is not FREE and type(child) not in {dict, list}:
                if child not in (None, "", MASK):
                    holder[at] = MASK
                    found.marks.add(UNLISTED)
                continue
            if type(child) is str and child[:1] in LEADS:
                self._open(holder, at, found)
            self._take(holder, at, places, way, found)

    def _take(self, holder: Any, at: Any, places: KeptMembers, way: MemberPath, found: RedactionState) -> None:
        """Note that what is there, if it is still, is a text, or has to be gone through."""
        child: Any = holder.get(at) if type(holder) is dict else holder[at]
        kind = type(child)
        if kind is dict or kind is list:
            self._steps.append((child, places, way, found))
        elif kind is NestedJson:
            self._parts.append((holder, at))
            self._steps.append((child.value, child.places, way, child.found))
        elif kind is Number or (kind is str and child and child != MASK):
            self._texts.append((holder, at, way, found))

    def _open(self, holder: Any, at: Any, found: RedactionState, *, entry: bool = False) -> None:
        """Take the text that stands there apart where it is JSON, and mask it where it hides what it holds."""
        if holder[at] != MASK:
            holder[at] = self._part(holder[at], found, entry=entry)

    def _part(self, text: str, found: RedactionState, *, entry: bool) -> NestedJson | str:
        if text.startswith(PACKED):
            found.marks.add("packed")
            return MASK
        try:
            value = loads_strictly(text) if JSON.match(text) else None
            if value is not None:
                return (
                    self._entry(text, value, found) if entry else NestedJson(text, value, dumps(value), NOWHERE, found)
                )
        except (ValueError, RecursionError):
            pass
        if self._fields and (entry or OBJECTS.match(text)):
            found.marks.add("unreadable")
            return MASK
        return text

    def _entry(self, text: str, value: Holder, found: RedactionState) -> NestedJson:
        """An entry in an envelope, which is marked by itself."""
        part = NestedJson(text, value, dumps(value), ENTRY, RedactionState(found.obfuscated))
        self._founds.append(part.found)
        self._dispute(value, part.found)
        return part

    def _dispute(self, value: Holder, found: RedactionState) -> None:
        """Mask what should say when it was or what it is, and does not."""
        for each in [value] if isinstance(value, dict) else value:
            for name, plausible in PLAUSIBLE.items() if isinstance(each, dict) else ():
                said = each.get(name)
                if type(said) is str and said not in {"", MASK} and not plausible.fullmatch(said):
                    each[name] = MASK if self._fields else self._patterns.masked(said, found.marks)
                    if self._fields:
                        found.marks.add(name)

    def _mask_text(self, holder: Any, at: Any, way: MemberPath, found: RedactionState) -> None:
        text = text_of(holder[at])
        if type(holder[at]) is str:
            masked = self._patterns.masked(found.values.masked(text, found.marks), found.marks)
        else:
            text = masked = whole(text)
            if len(text) >= NUMBER_DIGITS:
                masked = self._patterns.masked(text, found.marks)
        if masked != text:
            holder[at] = self._as_read_again(masked, found)
        elif self._patterns:
            self._joined.add(holder, at, way, found)
        if at in HEARD:
            found.heard.append((holder, at, masked != text))

    def _as_read_again(self, masked: str, found: RedactionState) -> str:
        """What is left of the text when it is redacted once more: a mask may make it look like JSON."""
        if self._fields and OBJECTS.match(masked):
            found.marks.add("unreadable")
            return MASK
        return masked

    @staticmethod
    def _mask_heard(found: RedactionState) -> None:
        """Mask what else was heard for what was masked: it is the same words."""
        if any(masked for _, _, masked in found.heard):
            for holder, name in [(holder, name) for holder, name, masked in found.heard if not masked]:
                holder[name] = MASK
                found.marks.add(name)

    def _close(self, holder: Any, at: Any) -> None:
        """Put a part back as the text that it is now, unless all of it was hidden."""
        part = holder.get(at) if type(holder) is dict else holder[at]
        if type(part) is NestedJson:
            if part.found is not self._found:
                self._mark(part.value, part.found.marks)
            written = dumps(part.value)
            holder[at] = part.text if written == part.written else written.decode()

    def _mark(self, value: Holder, marks: Collection[str]) -> None:
        """Say in each outermost object what was redacted, beside what is said there already."""
        words = {self._patterns.masked(word, set()) for word in marks}
        for each in [value] if isinstance(value, dict) else value:
            if words and isinstance(each, dict):
                said = each.get(MARKS)
                before = {word for word in said if isinstance(word, str)} if isinstance(said, list) else set()
                each[MARKS] = sorted(words | before)
