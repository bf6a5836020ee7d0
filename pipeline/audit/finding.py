"""What the tables say of conversations in; for each where they disagree, how, and what would be right, out."""

import enum
from collections.abc import Collection, Iterator

import msgspec

from pipeline.fold.conversation import fold
from pipeline.store.audit import Said
from pipeline.store.unwritten import RowPlace
from schemas.conversation import Conversation
from schemas.turn import ConversationKey

NO_ROW = -1
"""Smaller than any version: without events there should be no row."""


class Kind(enum.StrEnum):
    """How rows can be wrong."""

    MISSING = "missing"
    """The archive has events, and there is no row with their start."""
    WRONG = "wrong"
    """There is one, and its columns are not what the events say."""
    OUTDATED = "outdated-start"
    """A row with another start is in force: the conversation is listed once more than it should."""
    AHEAD = "version-ahead"
    """All that a query sees is right, but a row that it does not see has a version that more events would give, and
    would win against the next one."""
    UNFOUNDED = "without-events"
    """A row is in force, and the archive has no event of its conversation."""


class Difference(msgspec.Struct, frozen=True, rename="camel"):
    """One way in which a conversation's rows are not what its events say.

    `start` is the row's, in milliseconds. `columns` names those of a wrong row, with what it has and should have.
    """

    kind: Kind
    bot_id: str
    session_id: str
    originating_request_id: str
    start: int
    columns: dict[str, tuple[object, object]] = {}


class Finding(msgspec.Struct, frozen=True):
    """A conversation whose rows differ: its `rows` in force by start, and the `right` one; None without events.

    `newer` are the rows, in force or not, whose versions are greater than any that its events can give.
    Two findings are equal where nothing has changed between them.
    """

    key: ConversationKey
    right: Conversation | None
    rows: tuple[Conversation, ...]
    newer: tuple[RowPlace, ...] = ()

    @property
    def version(self) -> int:
        """The greatest version that a row may have: the number of its distinct events."""
        return self.right.version if self.right else NO_ROW

    def differences(self) -> Iterator[Difference]:
        """All of them, by start."""
        if self.rows == ((self.right,) if self.right else ()):
            yield from (Difference(Kind.AHEAD, *self.key, start) for start in sorted({row.start for row in self.newer}))
            return
        if self.right and not any(row.start == self.right.start for row in self.rows):
            yield Difference(Kind.MISSING, *self.key, self.right.start)
        for row in self.rows:
            if self.right is None:
                yield Difference(Kind.UNFOUNDED, *self.key, row.start)
            elif row.start != self.right.start:
                yield Difference(Kind.OUTDATED, *self.key, row.start)
            elif row != self.right:
                yield Difference(Kind.WRONG, *self.key, row.start, _columns(row, self.right))


def findings(said: Said, fallback_intents: Collection[str]) -> dict[ConversationKey, Finding]:
    """The conversations of `said` whose rows are not one row, the fold of their events."""
    found = {}
    for key in sorted(said.keys):  # neighbours of the archive are looked at together again
        events = said.events.get(key)
        right = fold(events.values(), fallback_intents) if events else None
        rows = tuple(sorted(said.rows.get(key, ()), key=lambda row: row.start))
        finding = Finding(key, right, rows)
        if rows != ((right,) if right else ()) or said.versions.get(key, NO_ROW) > finding.version:
            found[key] = finding
    return found


def _columns(row: Conversation, right: Conversation) -> dict[str, tuple[object, object]]:
    pairs = zip(msgspec.structs.astuple(row), msgspec.structs.astuple(right), strict=True)
    names = (field.name for field in msgspec.structs.fields(row))
    return {name: pair for name, pair in zip(names, pairs, strict=True) if pair[0] != pair[1]}
