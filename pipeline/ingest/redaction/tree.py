"""Redact a JSON value of any shape: hide its fields and mask its texts wherever they are."""

import re
from collections.abc import Collection
from typing import Any

from pipeline.ingest.redaction.allowlist import (
    BOT_DEFINED,
    ENTRY,
    LOG_EVENT,
    MARKS,
    PLAUSIBLE,
    SCORED,
    SIZE,
    UNKNOWN,
    KeptMembers,
)
from pipeline.ingest.redaction.fields import POSSIBLE_RESPONSES, TRANSCRIPTS, Fields, MemberNames
from pipeline.ingest.redaction.lossless_json import (
    Container,
    Number,
    dumps,
    loads_strictly,
    text_of,
    whole_number_digits,
)
from pipeline.ingest.redaction.masking import MASK, NestedJson, RedactionState
from pipeline.ingest.redaction.patterns import Patterns
from pipeline.ingest.redaction.split_numbers import MemberPath, SplitNumbers, without_digits

GZIP_BASE64 = "H4sI"
"""Base64 of the first bytes of gzip, as CloudWatch compresses envelopes: its content cannot be searched."""

NESTED_STARTS = frozenset("{[ \t\r\nH")
"""First characters of texts that may hold JSON or gzip."""

JSON = re.compile(r'\s*(?:\{\s*["}]|\[)')
OBJECTS = re.compile(r'\s*(?:\{\s*"|\[\s*["\[{])')
"""The start of JSON with texts in it, which nobody says."""

MIN_NUMBER_DIGITS = 7
UNLISTED = "unlisted"
"""Label of an unknown member, whose own name may be what somebody said."""


class TreeRedactor:
    """Redacts one value in place; `obfuscated` are slots that Lex has obfuscated."""

    def __init__(self, fields: Fields, patterns: Patterns, names: MemberNames, obfuscated: Collection[str]) -> None:
        self._fields, self._patterns, self._member_names = fields, patterns, names
        self._state = RedactionState(obfuscated)
        self._states = [self._state]
        self._steps: list[tuple[Any, KeptMembers, MemberPath, RedactionState]] = []
        self._texts: list[tuple[Any, Any, MemberPath, RedactionState]] = []
        self._parts: list[tuple[Any, Any]] = []
        self._split_numbers = SplitNumbers()

    def redact(self, value: Container, *, dead: bool) -> None:
        """Hide fields, then mask hidden values and patterns in texts. Less is trusted in a `dead` letter."""
        self._steps.append((value, ENTRY, (), self._state))
        if dead:
            self._mask_implausible(value, self._state)
        while self._steps:
            parent, kept_members, path, state = self._steps.pop()
            before = len(self._steps)
            if type(parent) is dict:
                self._member_names.mask(parent, state.marks)
                self._object(parent, kept_members, path, state)
            else:
                self._list(parent, kept_members, path, state)
            self._steps[before:] = reversed(self._steps[before:])  # in document order
        for parent, key, path, state in self._texts:
            if self._patterns or state.values:
                self._mask_text(parent, key, path, state)
        self._split_numbers.mask(self._patterns)
        for state in self._states:
            self._mask_transcripts(state)
        for parent, key in reversed(self._parts):  # inner ones first
            self._restore_text(parent, key)
        self._add_marks(value, self._state.marks)

    def _object(
        self, parent: dict[str, Any], kept_members: KeptMembers, path: MemberPath, state: RedactionState
    ) -> None:
        actions, are_log_events = self._fields.actions, kept_members is LOG_EVENT
        for name, child in list(parent.items()):
            kind, kept = type(child), kept_members.get(name, UNKNOWN)
            if child is None or (kept is None and not (kind is dict or kind is list or kept_members is SCORED)):
                continue
            entry = are_log_events and name == "message" and kind is str
            action = None if entry else actions[name]
            if self._fields.unlisted and not entry and self._hide_unlisted(parent, name, kept_members, action, state):
                continue
            if entry or (kind is str and child[:1] in NESTED_STARTS):
                self._parse_text(parent, name, state, entry=entry)
            if action:
                action(parent, name, state)
            bot_defined = (
                kept_members is BOT_DEFINED
                or kept is BOT_DEFINED
                or (action and not kept and name not in POSSIBLE_RESPONSES)
            )
            child_members = BOT_DEFINED if bot_defined else SCORED if kept is None else kept
            self._visit_child(parent, name, child_members, (*path, without_digits(name)), state)

    def _hide_unlisted(
        self, parent: dict[str, Any], name: str, kept_members: KeptMembers, action: object, state: RedactionState
    ) -> bool:
        """Mask the member if it is unknown; return whether it is."""
        child = parent[name]
        if kept_members is ENTRY and name == MARKS:
            parent[name] = [word for word in child if self._fields.is_label(word)] if isinstance(child, list) else []
            return False
        if kept_members is ENTRY and name == SIZE and type(child) is Number:
            return False
        if action or kept_members is BOT_DEFINED or (name in kept_members and type(child) in {dict, list}):
            return False
        if child not in ("", MASK):
            parent[name] = MASK
            state.marks.add(UNLISTED)
        return True

    def _list(self, parent: list[Any], kept_members: KeptMembers, path: MemberPath, state: RedactionState) -> None:
        for key, child in enumerate(parent):
            if self._fields.unlisted and kept_members is not BOT_DEFINED and type(child) not in {dict, list}:
                if child not in (None, "", MASK):
                    parent[key] = MASK
                    state.marks.add(UNLISTED)
                continue
            if type(child) is str and child[:1] in NESTED_STARTS:
                self._parse_text(parent, key, state)
            self._visit_child(parent, key, kept_members, path, state)

    def _visit_child(
        self, parent: Any, key: Any, kept_members: KeptMembers, path: MemberPath, state: RedactionState
    ) -> None:
        """Queue the child, if it is still there: a text to be masked, or a container to be walked."""
        child: Any = parent.get(key) if type(parent) is dict else parent[key]
        kind = type(child)
        if kind is dict or kind is list:
            self._steps.append((child, kept_members, path, state))
        elif kind is NestedJson:
            self._parts.append((parent, key))
            self._steps.append((child.value, child.kept_members, path, child.state))
        elif kind is Number or (kind is str and child and child != MASK):
            self._texts.append((parent, key, path, state))

    def _parse_text(self, parent: Any, key: Any, state: RedactionState, *, entry: bool = False) -> None:
        """Parse the text there if it is JSON, and mask it if its content cannot be searched."""
        if parent[key] != MASK:
            parent[key] = self._nested_json(parent[key], state, entry=entry)

    def _nested_json(self, text: str, state: RedactionState, *, entry: bool) -> NestedJson | str:
        if text.startswith(GZIP_BASE64):
            state.marks.add("packed")
            return MASK
        try:
            value = loads_strictly(text) if JSON.match(text) else None
            if value is not None:
                return (
                    self._entry(text, value, state) if entry else NestedJson(text, value, dumps(value), UNKNOWN, state)
                )
        except (ValueError, RecursionError):
            pass
        if self._fields and (entry or OBJECTS.match(text)):
            state.marks.add("unreadable")
            return MASK
        return text

    def _entry(self, text: str, value: Container, state: RedactionState) -> NestedJson:
        """Wrap an entry in an envelope, which gets marks of its own."""
        nested = NestedJson(text, value, dumps(value), ENTRY, RedactionState(state.obfuscated))
        self._states.append(nested.state)
        self._mask_implausible(value, nested.state)
        return nested

    def _mask_implausible(self, value: Container, state: RedactionState) -> None:
        """Mask members that should be a time or a version and are not."""
        for item in [value] if isinstance(value, dict) else value:
            for name, plausible in PLAUSIBLE.items() if isinstance(item, dict) else ():
                text = item.get(name)
                if type(text) is str and text not in {"", MASK} and not plausible.fullmatch(text):
                    item[name] = MASK if self._fields else self._patterns.masked(text, state.marks)
                    if self._fields:
                        state.marks.add(name)

    def _mask_text(self, parent: Any, key: Any, path: MemberPath, state: RedactionState) -> None:
        text = text_of(parent[key])
        if type(parent[key]) is str:
            masked = self._patterns.masked(state.values.masked(text, state.marks), state.marks)
        else:
            text = masked = whole_number_digits(text)
            if len(text) >= MIN_NUMBER_DIGITS:
                masked = self._patterns.masked(text, state.marks)
        if masked != text:
            parent[key] = self._hide_apparent_json(masked, state)
        elif self._patterns:
            self._split_numbers.add(parent, key, path, state)
        if key in TRANSCRIPTS:
            state.transcripts.append((parent, key, masked != text))

    def _hide_apparent_json(self, masked: str, state: RedactionState) -> str:
        """Mask a masked text that now looks like JSON, so that redacting it again changes nothing."""
        if self._fields and OBJECTS.match(masked):
            state.marks.add("unreadable")
            return MASK
        return masked

    @staticmethod
    def _mask_transcripts(state: RedactionState) -> None:
        """Mask all transcripts of an entry if one was masked: they are the same words."""
        if any(masked for _, _, masked in state.transcripts):
            for parent, name in [(parent, name) for parent, name, masked in state.transcripts if not masked]:
                parent[name] = MASK
                state.marks.add(name)

    def _restore_text(self, parent: Any, key: Any) -> None:
        """Replace parsed JSON by its text, unless all of it was hidden."""
        nested = parent.get(key) if type(parent) is dict else parent[key]
        if type(nested) is NestedJson:
            if nested.state is not self._state:
                self._add_marks(nested.value, nested.state.marks)
            written = dumps(nested.value)
            parent[key] = nested.text if written == nested.written else written.decode()

    def _add_marks(self, value: Container, marks: Collection[str]) -> None:
        """Add the labels of what was redacted to each outermost object."""
        labels = {self._patterns.masked(label, set()) for label in marks}
        for item in [value] if isinstance(value, dict) else value:
            if labels and isinstance(item, dict):
                existing = item.get(MARKS)
                previous = (
                    {label for label in existing if isinstance(label, str)} if isinstance(existing, list) else set()
                )
                item[MARKS] = sorted(labels | previous)
