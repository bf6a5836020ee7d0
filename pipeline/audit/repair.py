"""Repair the rows of findings from the archived events, and return what still differs."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pipeline.audit.audit import Audit
from pipeline.audit.finding import Finding
from pipeline.store.unexplained_rows import delete_rows
from schemas.conversation import Conversation

ROUNDS = 3
ROWS_PER_INSERT = 20_000


async def repair(audit: Audit, findings: Sequence[Finding]) -> list[Finding]:
    """Repair what was found, read it again, and return what still differs, which should be nothing.

    The archive is authoritative: a row without archived events is deleted. A repair may be repeated, or run while
    workers are writing: the rows that they write meanwhile have greater versions, and replace the others as usual.

    Raises:
        TransientError: ClickHouse does not answer; another audit finds the rest.
    """
    left = list(findings)
    clickhouse = await audit.database()
    for _ in range(ROUNDS):
        if not left:
            break
        await audit.delete_erased(left)
        wrong = [finding for finding in left if finding.erased_at is None]
        # A wrong row with a version that the events cannot give would never be replaced, nor would a row that
        # deletes it: the row of the next event has a smaller version. So these versions are deleted from the table,
        # but only those that already existed before the pause.
        await delete_rows(clickhouse, [place for finding in wrong for place in finding.newer])
        rows = [row for finding in wrong for row in correct_rows(finding)]
        for first in range(0, len(rows), ROWS_PER_INSERT):
            await clickhouse.insert("conversations", rows[first : first + ROWS_PER_INSERT])
        left = await audit.confirm(left)
    return left


def correct_rows(finding: Finding) -> Iterator[Conversation]:
    """Yield the rows that a worker would have written: the correct row, and one that deletes each superseded start.

    Of two rows of one version the later one counts, so these need no greater version than the wrong rows have.
    """
    if finding.correct is not None:
        yield finding.correct
        yield from _deletions(finding.correct, {row.start for row in finding.rows})


def _deletions(correct: Conversation, starts: Iterable[int]) -> Iterator[Conversation]:
    for start in sorted(starts):
        if start != correct.start:
            yield msgspec.structs.replace(correct, start=start, is_deleted=1)
