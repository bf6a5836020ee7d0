"""Define the rows of table `conversations` and of table `bots`."""

import enum
from typing import Final

import msgspec

from schemas.columns import (
    Bools,
    LowCardinalityStr,
    LowCardinalityStrs,
    Millis,
    MillisArray,
    Str,
    Strs,
    UInt8,
    UInt32,
    UInt32s,
)
from schemas.turn import ConversationKey


class EndState(enum.StrEnum):
    """How a conversation ended. Queries show OPEN as `Dropped` once the idle TTL has passed."""

    SUCCESS = "Success"
    FAILURE = "Failure"
    OPEN = ""


class Conversation(msgspec.Struct, frozen=True, gc=False):
    """A row of table `conversations`. `is_deleted` deletes the row of the same bot, start, session and request.

    `visit_*`, `stage_*` and `utterance_*` are parallel tuples: one item for each visit of an intent, each visit of a
    stage, and each utterance, in their order. In them, too, a state is empty while it is open.

    `version` is the number of distinct events that the row is folded from; two contents of one identity count as two.
    The set of events only grows, so the row with the greatest version is right. `fold` is the version of the fold that
    wrote the row, 0 before it was recorded.
    """

    bot_id: LowCardinalityStr
    start: Millis
    session_id: Str
    originating_request_id: Str
    end: Millis
    duration_seconds: UInt32
    turns: UInt32
    mode: LowCardinalityStr
    channel: LowCardinalityStr
    bot_alias_id: LowCardinalityStr
    bot_version: LowCardinalityStr
    locale_id: LowCardinalityStr
    intents: LowCardinalityStrs
    intent_path: Str
    end_state: LowCardinalityStr
    version: UInt32
    is_deleted: UInt8 = 0
    visit_intents: LowCardinalityStrs = ()
    visit_levels: UInt32s = ()
    visit_states: LowCardinalityStrs = ()
    stage_intents: LowCardinalityStrs = ()
    stage_names: LowCardinalityStrs = ()
    stage_states: LowCardinalityStrs = ()
    stage_switched_to: LowCardinalityStrs = ()
    stage_retries: UInt32s = ()
    utterance_times: MillisArray = ()
    utterance_request_ids: Strs = ()
    utterance_texts: Strs = ()
    utterance_missed: Bools = ()
    utterance_intents: LowCardinalityStrs = ()
    utterance_slots: LowCardinalityStrs = ()
    fold: UInt8 = 0

    @property
    def key(self) -> ConversationKey:
        """Return the key of the conversation."""
        return (self.bot_id, self.session_id, self.originating_request_id)


TRANSCRIPTS: Final = ("utterance_texts",)
"""Columns that hold what people typed or said. Reports of differences show digests of them, never the texts."""


class NamedBot(msgspec.Struct, frozen=True, gc=False):
    """A row of table `bots`. A materialized view fills the table from inserts into `turns`."""

    bot_name: LowCardinalityStr
    bot_id: LowCardinalityStr
