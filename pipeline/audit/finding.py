"""What the tables say of conversations in; for each where they disagree, how, and what would be right, out."""

import enum
from collections.abc import Iterator

import msgspec

from pipeline.config.retention import Retention
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.store.conversations import ArchiveAndRows, RowPlace
from schemas.conversation import Conversation
from schemas.erasure import digest
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
    FORGOTTEN = "forgotten"
    """There are events that are forgotten, or rows of a forgotten session that tell of events that are not there: who
    wrote them died before it could look."""


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

    `newer` are the rows, in force or not, whose versions are greater than any that its events can give. `forgotten`
    is the first moment of what is forgotten and there all the same; None where nothing is.
    Two findings are equal where nothing has changed between them.
    """

    key: ConversationKey
    right: Conversation | None
    rows: tuple[Conversation, ...]
    newer: tuple[RowPlace, ...] = ()
    forgotten: int | None = None

    @property
    def version(self) -> int:
        """The greatest version that a row may have: the number of its distinct events."""
        return self.right.version if self.right else NO_ROW

    def differences(self) -> Iterator[Difference]:
        """All of them, by start; of a forgotten session only that it is there, and not its id."""
        if self.forgotten is not None:
            bot_id, session_id, _ = self.key
            yield Difference(Kind.FORGOTTEN, bot_id, f"sha256:{digest(session_id)}", "(forgotten)", self.forgotten)
            return
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


def findings(said: ArchiveAndRows, terms: ReconcileRules, now: int) -> dict[ConversationKey, Finding]:
    """The conversations of `said` whose rows are not one row, the fold of their events; `now` in milliseconds.

    Those of which the archive or the rows may have lost something, as it has expired, are left alone: what is there
    of them is right, or will be gone.
    """
    found = {}
    for key in sorted(said.keys):  # neighbours of the archive are looked at together again
        finding = _finding(key, said, terms, now)
        expected = (finding.right,) if finding.right else ()
        differs = finding.rows != expected or said.versions.get(key, NO_ROW) > finding.version
        if finding.forgotten is not None or (differs and not _expires(finding, terms.retention, now)):
            found[key] = finding
    return found


def _finding(key: ConversationKey, said: ArchiveAndRows, terms: ReconcileRules, now: int) -> Finding:
    rows = tuple(sorted(said.rows.get(key, ()), key=lambda row: row.start))
    events = said.events.get(key, ())
    kept = EventSet(terms.forgotten.without_erased(events))
    gone = [turn.timestamp for turn in events if terms.forgotten.is_erased(turn)]
    gone += (row.start for row in rows if _hides(row, kept, terms, now))
    right = fold(kept.events.values(), terms.fold, len(kept.lesser)) if kept.events else None
    return Finding(key, right, rows, forgotten=min(gone, default=None))


def _hides(row: Conversation, kept: EventSet, terms: ReconcileRules, now: int) -> bool:
    """Whether a row tells of events that a session has no more, and that have not just expired since it came back."""
    words = terms.forgotten.find(row.bot_id, row.session_id)
    founded = row.version <= kept.version and any(moment == row.start for moment, *_ in kept.events)
    if not words or founded:
        return False
    expired = terms.retention.is_past_cutoff(row.bot_id, row.start, now)
    return row.start <= max(word.until for word in words) or not expired


def _expires(finding: Finding, retention: Retention, now: int) -> bool:
    known = [row for row in (finding.right, *finding.rows) if row]
    bot_id = finding.key[0]
    return any(
        retention.is_past_cutoff(bot_id, row.start, now) or retention.is_expired(bot_id, row.end, now) for row in known
    )


def _columns(row: Conversation, right: Conversation) -> dict[str, tuple[object, object]]:
    pairs = zip(msgspec.structs.astuple(row), msgspec.structs.astuple(right), strict=True)
    names = (field.name for field in msgspec.structs.fields(row))
    return {name: pair for name, pair in zip(names, pairs, strict=True) if pair[0] != pair[1]}
