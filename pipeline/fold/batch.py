"""Fold a batch of events into the histories of their conversations: rows to write, and events to archive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from pipeline.fold.cache import History
from pipeline.fold.fold import fold
from schemas.conversation import Conversation
from schemas.fold_rules import FoldRules
from schemas.turn import ConversationKey, Turn


@dataclass(frozen=True, slots=True)
class FoldResult:
    """The result of folding a batch.

    `rows` has a row for each touched conversation, and one that deletes each superseded start. `new` has the positions
    of events that the archive may lack.
    """

    rows: list[Conversation]
    new: list[int]


def fold_batch(histories: Mapping[ConversationKey, History], turns: Sequence[Turn], rules: FoldRules) -> FoldResult:
    """Add `turns`, in log order, to the histories of their conversations, and fold each touched conversation.

    A conversation whose events were all known still gets its row: writing it twice is harmless, and restores a row
    that was lost.
    """
    touched: dict[ConversationKey, History] = {}
    new = []
    for position, turn in enumerate(turns):
        key = turn.key
        history = touched[key] = histories[key]
        if history.add(turn):
            new.append(position)
    rows: list[Conversation] = []
    for history in touched.values():
        row = fold(history.events.values(), rules, len(history.lesser))
        rows.append(row)
        rows += [_deleted(row, start) for start in history.pop_superseded_starts(row.start)]
    return FoldResult(rows, new)


def _deleted(row: Conversation, start: int) -> Conversation:
    """Return the row that deletes an earlier row of the conversation: its version is greater than any before."""
    return msgspec.structs.replace(row, start=start, is_deleted=1)
