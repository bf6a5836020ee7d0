"""A JSON value of any shape in; the same, its fields hidden and its texts masked wherever they stand, out."""

import re
from collections.abc import Collection
from typing import Any

from pipeline.ingest.redact_fields import HEARD, Fields
from pipeline.ingest.redact_json import Holder, Number, dumps, loads_strictly, text_of
from pipeline.ingest.redact_masks import Found, Part
from pipeline.ingest.redact_patterns import Patterns
from pipeline.ingest.redact_places import ENTRY, LOG_EVENT, MARKS, PLAUSIBLE, Places
from pipeline.ingest.redact_values import MASK

PACKED = "H4sI"
"""Base64 of gzip, as CloudWatch packs envelopes: nobody sees what is in it."""

LEADS = frozenset("{[ \t\r\nH")
"""What a text begins with that may be more than a text."""

JSON = re.compile(r'\s*(?:\{\s*["}]|\[)')
OBJECTS = re.compile(r'\s*(?:\{\s*"|\[\s*["\[{])')
"""The beginning of JSON with texts in it; no one speaks like that."""

NUMBER_DIGITS = 7
NOWHERE: Places = {}


class Tree:
    """One value on its way through redaction, in place; `obfuscated` are slots that Lex has obfuscated."""

    def __init__(self, fields: Fields, patterns: Patterns, obfuscated: Collection[str]) -> None:
        self._fields, self._patterns = fields, patterns
        self._found = Found(obfuscated)
        self._founds = [self._found]
        self._steps: list[tuple[Any, Places, Found]] = []
        self._texts: list[tuple[Any, Any, Found]] = []
        self._parts: list[tuple[Any, Any]] = []

    def redact(self, value: Holder, *, dead: bool) -> None:
        """Hide fields, then mask in the texts what was hidden, and patterns. A `dead` letter is trusted less."""
        self._steps.append((value, ENTRY, self._found))
        if dead:
            self._dispute(value, self._found)
        while self._steps:
            holder, places, found = self._steps.pop()
            if type(holder) is dict:
                self._object(holder, places, found)
            else:
                self._list(holder, places, found)
        for holder, at, found in self._texts:
            if self._patterns or found.values:
                self._mask_text(holder, at, found)
        for found in self._founds:
            self._mask_heard(found)
        for holder, at in reversed(self._parts):  # the inner ones first
            self._close(holder, at)
        self._mark(value, self._found.marks)

    def _object(self, holder: dict[str, Any], places: Places, found: Found) -> None:
        acts, entries = self._fields.acts, places is LOG_EVENT
        for name, child in list(holder.items()):
            kind, inside = type(child), places.get(name, NOWHERE)
            if child is None or (inside is None and kind is not dict and kind is not list):
                continue
            entry = entries and name == "message"
            if kind is str and (entry or child[:1] in LEADS):
                self._open(holder, name, found, entry=entry)
            if not entry and (act := acts[name]):
                act(holder, name, found)
            self._take(holder, name, holder.get(name), inside or NOWHERE, found)

    def _list(self, holder: list[Any], places: Places, found: Found) -> None:
        for at in range(len(holder)):
            if type(holder[at]) is str and holder[at][:1] in LEADS:
                self._open(holder, at, found)
            self._take(holder, at, holder[at], places, found)

    def _take(self, holder: Any, at: Any, child: Any, places: Places, found: Found) -> None:
        """Note that it is a text, or has to be gone through."""
        kind = type(child)
        if kind is dict or kind is list:
            self._steps.append((child, places, found))
        elif kind is Part:
            self._parts.append((holder, at))
            self._steps.append((child.value, child.places, child.found))
        elif kind is Number or (kind is str and child and child != MASK):
            self._texts.append((holder, at, found))

    def _open(self, holder: Any, at: Any, found: Found, *, entry: bool = False) -> None:
        """Take the text that stands there apart where it is JSON, and mask it where it hides what it holds."""
        if holder[at] != MASK:
            holder[at] = self._part(holder[at], found, entry=entry)

    def _part(self, text: str, found: Found, *, entry: bool) -> Part | str:
        if text.startswith(PACKED):
            found.marks.add("packed")
            return MASK
        try:
            value = loads_strictly(text) if JSON.match(text) else None
            if value is not None:
                return self._entry(text, value, found) if entry else Part(text, value, dumps(value), NOWHERE, found)
        except (ValueError, RecursionError):
            pass
        if self._fields and (entry or OBJECTS.match(text)):
            found.marks.add("unreadable")
            return MASK
        return text

    def _entry(self, text: str, value: Holder, found: Found) -> Part:
        """An entry in an envelope, which is marked by itself."""
        part = Part(text, value, dumps(value), ENTRY, Found(found.obfuscated))
        self._founds.append(part.found)
        self._dispute(value, part.found)
        return part

    def _dispute(self, value: Holder, found: Found) -> None:
        """Mask what should say when it was or what it is, and does not."""
        for each in [value] if isinstance(value, dict) else value:
            for name, plausible in PLAUSIBLE.items() if isinstance(each, dict) else ():
                said = each.get(name)
                if type(said) is str and said not in {"", MASK} and not plausible.fullmatch(said):
                    each[name] = MASK if self._fields else self._patterns.masked(said, found.marks)
                    if self._fields:
                        found.marks.add(name)

    def _mask_text(self, holder: Any, at: Any, found: Found) -> None:
        text = text_of(holder[at])
        if type(holder[at]) is str:
            masked = self._patterns.masked(found.values.masked(text, found.marks), found.marks)
        elif len(text) >= NUMBER_DIGITS and text.isdecimal():
            masked = self._patterns.masked(text, found.marks)
        else:
            return
        if masked != text:
            holder[at] = masked
        if at in HEARD:
            found.heard.append((holder, at, masked != text))

    @staticmethod
    def _mask_heard(found: Found) -> None:
        """Mask what else was heard for what was masked: it is the same words."""
        if any(masked for _, _, masked in found.heard):
            for holder, name in [(holder, name) for holder, name, masked in found.heard if not masked]:
                holder[name] = MASK
                found.marks.add(name)

    def _close(self, holder: Any, at: Any) -> None:
        """Put a part back as the text that it is now, unless all of it was hidden."""
        part = holder.get(at) if type(holder) is dict else holder[at]
        if type(part) is Part:
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
