"""Compare the archive and the rows of conversations, and describe each disagreement and the correct row."""

import enum
from collections.abc import Iterator, Sequence

import msgspec

from pipeline.config.retention import Retention
from pipeline.fold.event_set import EventSet
from pipeline.fold.fold import fold
from pipeline.materialise.reconcile import ReconcileRules
from pipeline.store.conversations import ArchiveAndRows
from pipeline.store.unexplained_rows import RowPlace
from schemas.conversation import TRANSCRIPTS, Conversation
from schemas.erasure import digest
from schemas.turn import ConversationKey

NO_ROW = -1
"""A version smaller than any other: without events there should be no row."""


class Kind(enum.StrEnum):
    """The kinds of wrong rows."""

    MISSING = "missing"
    """The archive has events, but there is no row with their start."""
    WRONG = "wrong"
    """There is such a row, but its columns differ from the fold of the events."""
    OUTDATED = "outdated-start"
    """There is a current row with another start: the conversation is listed twice."""
    AHEAD = "version-ahead"
    """The current row is correct, but a hidden row has a version that only more events would give, and would replace
    the next row."""
    WITHOUT_EVENTS = "without-events"
    """There is a current row, but the archive has no event of its conversation."""
    ERASED = "forgotten"
    """There are erased events, or rows of an erased session that show events that are not archived: their writer died
    before it could read the writer state."""


class Difference(msgspec.Struct, frozen=True, rename="camel"):
    """A difference between a conversation's rows and the fold of its events.

    `start` is the row's, in milliseconds. `columns` maps the wrong columns to the actual and the correct value, in
    place of transcripts their number and a digest.
    """

    kind: Kind
    bot_id: str
    session_id: str
    originating_request_id: str
    start: int
    columns: dict[str, tuple[object, object]] = {}


class Finding(msgspec.Struct, frozen=True):
    """A conversation whose rows differ: its current `rows` by start, and the `correct` row, None without events.

    `newer` are rows, current or not, whose versions are greater than any that its events can give. `erased_at` is the
    time, in milliseconds, of the first erased event or row that still exists; None if there is none.
    Two findings are equal if nothing has changed between them.
    """

    key: ConversationKey
    correct: Conversation | None
    rows: tuple[Conversation, ...]
    newer: tuple[RowPlace, ...] = ()
    erased_at: int | None = None

    @property
    def version(self) -> int:
        """Return the greatest version that a row may have: the number of its distinct events."""
        return self.correct.version if self.correct else NO_ROW

    def differences(self) -> Iterator[Difference]:
        """Yield all differences, by start; for an erased session a single one, with a digest in place of its id."""
        if self.erased_at is not None:
            bot_id, session_id, _ = self.key
            yield Difference(Kind.ERASED, bot_id, f"sha256:{digest(session_id)}", "(forgotten)", self.erased_at)
            return
        if self.rows == ((self.correct,) if self.correct else ()):
            yield from (Difference(Kind.AHEAD, *self.key, start) for start in sorted({row.start for row in self.newer}))
            return
        if self.correct and not any(row.start == self.correct.start for row in self.rows):
            yield Difference(Kind.MISSING, *self.key, self.correct.start)
        for row in self.rows:
            if self.correct is None:
                yield Difference(Kind.WITHOUT_EVENTS, *self.key, row.start)
            elif row.start != self.correct.start:
                yield Difference(Kind.OUTDATED, *self.key, row.start)
            elif row != self.correct:
                yield Difference(Kind.WRONG, *self.key, row.start, _columns(row, self.correct))


def findings(data: ArchiveAndRows, rules: ReconcileRules, now: int) -> dict[ConversationKey, Finding]:
    """Find the conversations of `data` whose rows are not exactly the fold of their events; `now` in milliseconds.

    Skip conversations whose archived events or rows may have expired in part: the rest is correct, or will expire.
    """
    differing = {}
    for key in sorted(data.keys):  # sorted, so that neighbours in the archive are read together again
        finding = _finding(key, data, rules, now)
        expected = (finding.correct,) if finding.correct else ()
        differs = finding.rows != expected or data.versions.get(key, NO_ROW) > finding.version
        if finding.erased_at is not None or (differs and not _expires(finding, rules.retention, now)):
            differing[key] = finding
    return differing


def _finding(key: ConversationKey, data: ArchiveAndRows, rules: ReconcileRules, now: int) -> Finding:
    rows = tuple(sorted(data.rows.get(key, ()), key=lambda row: row.start))
    events = data.events.get(key, ())
    kept = EventSet(rules.erasures.without_erased(events))
    erased = [turn.timestamp for turn in events if rules.erasures.is_erased(turn)]
    erased += (row.start for row in rows if _hides(row, kept, rules, now))
    correct = fold(kept.events.values(), rules.fold, len(kept.lesser)) if kept.events else None
    return Finding(key, correct, rows, erased_at=min(erased, default=None))


def _hides(row: Conversation, kept: EventSet, rules: ReconcileRules, now: int) -> bool:
    """Return whether a row shows events that an erased session no longer has, and that have not simply expired."""
    erasures = rules.erasures.find(row.bot_id, row.session_id)
    explained = row.version <= kept.version and any(timestamp == row.start for timestamp, *_ in kept.events)
    if not erasures or explained:
        return False
    expired = rules.retention.is_past_cutoff(row.bot_id, row.start, now)
    return row.start <= max(erasure.until for erasure in erasures) or not expired


def _expires(finding: Finding, retention: Retention, now: int) -> bool:
    rows = [row for row in (finding.correct, *finding.rows) if row]
    bot_id = finding.key[0]
    return any(
        retention.is_past_cutoff(bot_id, row.start, now) or retention.is_expired(bot_id, row.end, now) for row in rows
    )


def _columns(row: Conversation, correct: Conversation) -> dict[str, tuple[object, object]]:
    pairs = {name: (getattr(row, name), getattr(correct, name)) for name in Conversation.__struct_fields__}
    return {
        name: (_digest(actual), _digest(due)) if name in TRANSCRIPTS else (actual, due)
        for name, (actual, due) in pairs.items()
        if actual != due
    }


def _digest(texts: Sequence[str]) -> str:
    return f"{len(texts)} texts, sha256:{digest(*texts)[:16]}"
