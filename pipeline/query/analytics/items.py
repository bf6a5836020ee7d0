"""Select the items that a request is about: conversations, or visits, stages and utterances in their arrays."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.query.analytics.filters import SqlFragment

AFTER = "fromUnixTimestamp64Milli({after:Int64}, 'UTC')"
BEFORE = "fromUnixTimestamp64Milli({before:Int64}, 'UTC')"
INSIDE = f"bot_id = {{bot_id:String}} AND start > {AFTER} AND start < {BEFORE} AND end < {BEFORE}"
"""Conversations that began after the window's start and ended before its end. The condition between is implied, but the
primary index and the partitions need it."""
OVERLAPPING = f"bot_id = {{bot_id:String}} AND start < {BEFORE} AND end > {AFTER}"
"""Conversations that may have an utterance in the window."""
EARLY = f"{AFTER} - INTERVAL 1 HOUR"
SPEAKING = f"""\
bot_id = {{bot_id:String}} AND start < {BEFORE} AND (start > {EARLY} OR start IN (
    SELECT start FROM conversations WHERE bot_id = {{bot_id:String}} AND start <= {EARLY} AND end > {AFTER}))"""  # noqa: S608 - constants only
"""The same, found by their start, since FINAL reads all that an index on the end leaves out: those that began shortly
before the window or in it, and the few that began earlier and lasted into it."""

SETTINGS = {
    # a key contains its start and so lies in one partition: FINAL need not merge across partitions
    "do_not_merge_across_partitions_select_final": 1,
    # with FINAL, ClickHouse moves conditions on the key alone, which all versions of a row share; any other
    # condition would hide a row's last version before FINAL has read it, and bring back a replaced one
    "optimize_move_to_prewhere_if_final": 1,
    # a conversation whose start moves meanwhile is read at one of its starts, never at none
    "enable_shared_storage_snapshot_in_query": 1,
    # none serves these statements, and to find that out takes up to 100 ms where a subquery has no bound
    "optimize_use_projections": 0,
}


@dataclass(frozen=True, slots=True)
class Items:
    """A kind of items.

    Attributes:
        window: SQL of the conversations to read, with the parameters `bot_id`, `after` and `before` (ms, exclusive).
        arrays: name of an item's field -> the column with this field of each item; empty for conversations.
        item_window: SQL of the items of these conversations that are in the window; empty for all of them.
    """

    window: str = INSIDE
    arrays: Mapping[str, str] = field(default_factory=dict)
    item_window: str = ""

    def from_where(self, conditions: Sequence[SqlFragment], used_in: str) -> str:
        """Build FROM and WHERE; the columns of a conversation keep their names.

        Args:
            conditions: those of the request's filters.
            used_in: the rest of the statement; only arrays whose fields it or the conditions name are read.
        """
        outer = [fragment.sql for fragment in conditions if fragment.on_item]
        if self.item_window:
            outer.insert(0, self.item_window)
        inner = [self.window, *(fragment.sql for fragment in conditions if not fragment.on_item)]
        # constants only; values are bound
        rows = f"FROM (SELECT * FROM conversations FINAL WHERE {_all(inner)})"  # noqa: S608
        if not self.arrays:
            return rows
        where = f"\nWHERE {_all(outer)}" if outer else ""
        named = set(re.findall(r"\w+", f"{used_in} {where}"))
        used = [name for name in self.arrays if name in named] or list(self.arrays)[:1]
        joined = ", ".join(f"{self.arrays[name]} AS {name}" if name != self.arrays[name] else name for name in used)
        return f"{rows}\nARRAY JOIN {joined}{where}"


CONVERSATIONS = Items()
VISITS = Items(
    arrays={"visit_level": "visit_levels", "visit_intent": "visit_intents", "visit_state": "visit_states"},
)
STAGES = Items(
    arrays={
        "stage_retry": "stage_retries",
        "stage_intent": "stage_intents",
        "stage_name": "stage_names",
        "stage_state": "stage_states",
        "switched_to": "stage_switched_to",
    },
)
UTTERANCES = Items(
    window=SPEAKING,
    arrays={
        "utterance_time": "utterance_times",
        "utterance_request_id": "utterance_request_ids",
        "utterance_text": "utterance_texts",
        "utterance_missed": "utterance_missed",
        "utterance_intent": "utterance_intents",
        "utterance_slot": "utterance_slots",
    },
    item_window=f"utterance_time > {AFTER} AND utterance_time < {BEFORE}",
)


def _all(conditions: Sequence[str]) -> str:
    return "\n  AND ".join(conditions)
