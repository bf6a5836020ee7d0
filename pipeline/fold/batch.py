"""Histories and a batch of events in log order in; the rows to write and the events to archive out."""

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
    """`rows`: one a touched conversation, and one for each start to take back. `new`: positions of unseen events."""

    rows: list[Conversation]
    new: list[int]


def fold_batch(histories: Mapping[ConversationKey, History], turns: Sequence[Turn], rules: FoldRules) -> FoldResult:
    """Add `turns`, in log order, to the histories of their conversations, and fold each that is touched.

    A conversation whose events were all known gets its row all the same: writing it twice is harmless, and
    mends one that was lost.
    """
    touched: dict[ConversationKey, History] = {}
    new = []
    for place, turn in enumerate(turns):
        key = turn.key
        history = touched[key] = histories[key]
        if history.add(turn):
            new.append(place)
    rows: list[Conversation] = []
    for history in touched.values():
        row = fold(history.events.values(), rules, len(history.lesser))
        rows.append(row)
        rows += [_deleted(row, start) for start in history.outdated_starts(row.start)]
    return FoldResult(rows, new)


def _deleted(row: Conversation, start: int) -> Conversation:
    """The row that takes back an earlier row of the same conversation: its version is greater than any it had."""
    return msgspec.structs.replace(row, start=start, is_deleted=1)
