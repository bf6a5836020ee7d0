"""Findings in; the rows of their conversations made what the events say, and what could not be made so out."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from pipeline.audit.audit import Audit
from pipeline.audit.finding import Finding
from pipeline.store.conversations import delete_rows
from schemas.conversation import Conversation

ROUNDS = 3
ROWS_PER_INSERT = 20_000


async def repair(audit: Audit, findings: Sequence[Finding]) -> list[Finding]:
    """Put right what was found, look at it again, and return what still differs, which should be nothing.

    The archive is right: a row without archived events goes. To run it again, or while workers are writing,
    does no harm: rows that they write meanwhile have greater versions, and win as ever.

    Raises:
        TransientError: ClickHouse does not answer; another audit finds what is left.
    """
    left = list(findings)
    clickhouse = await audit.database()
    for _ in range(ROUNDS):
        if not left:
            break
        await audit.delete_erased(left)
        wrong = [finding for finding in left if finding.forgotten is None]
        # A wrong row of a version that the events cannot give would win for ever, and so would the row that took
        # it back: the next event of the conversation has a smaller version. So these go altogether, and nothing
        # but what was already there before the pause does.
        await delete_rows(clickhouse, [place for finding in wrong for place in finding.newer])
        rows = [row for finding in wrong for row in correct_rows(finding)]
        for first in range(0, len(rows), ROWS_PER_INSERT):
            await clickhouse.insert("conversations", rows[first : first + ROWS_PER_INSERT])
        left = await audit.confirm(left)
    return left


def correct_rows(finding: Finding) -> Iterator[Conversation]:
    """The rows that a worker would have written: the right one, and one for each start to take back.

    Of two rows of one version the later wins, so they need no greater version than the wrong ones have.
    """
    if finding.right is not None:
        yield finding.right
        yield from _taken_back(finding.right, {row.start for row in finding.rows})


def _taken_back(right: Conversation, starts: Iterable[int]) -> Iterator[Conversation]:
    for start in sorted(starts):
        if start != right.start:
            yield msgspec.structs.replace(right, start=start, is_deleted=1)
