"""Define a turn event as the pipeline handles it, and its row in the archive."""

from collections.abc import Sequence
from typing import Final, Self, overload

import msgspec
from xxhash import xxh3_64_intdigest

from schemas.columns import Bool, Bytes, LowCardinalityStr, Millis, Str, UInt64, transpose


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A valid turn event. Text that the event does not have is the empty string.

    `utterance` is what the user typed or said, cut to `MAX_UTTERANCE` characters; `slot_to_elicit` the slot that the
    bot asks for next, as `dialog_action` says.

    Two events are the same if conversation, `timestamp`, `request_id` and `response_reason` agree. If their `content`
    still differs, the archive holds both, and the one with the greater digest counts.
    """

    bot_id: LowCardinalityStr
    session_id: Str
    originating_request_id: Str
    timestamp: Millis
    request_id: Str
    response_reason: LowCardinalityStr
    operation_name: LowCardinalityStr
    bot_name: LowCardinalityStr
    bot_alias_id: LowCardinalityStr
    bot_alias_name: LowCardinalityStr
    bot_version: LowCardinalityStr
    locale_id: LowCardinalityStr
    input_mode: LowCardinalityStr
    channel: LowCardinalityStr
    intent_name: LowCardinalityStr
    intent_state: LowCardinalityStr
    dialog_action: LowCardinalityStr
    missed_utterance: Bool
    utterance: Str
    slot_to_elicit: LowCardinalityStr
    content: UInt64

    @property
    def key(self) -> "ConversationKey":
        """Return the key of the conversation that the event belongs to."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def identity(self) -> "Identity":
        """Return what identifies the event within its conversation."""
        return (self.timestamp, self.request_id, self.response_reason)

    @property
    def order(self) -> "Order":
        """Return the sort key of the event within its conversation: by time, then request, then as entries happen."""
        reason = self.response_reason
        return (self.timestamp, self.request_id, RANKS.get(reason, len(RANKS)), reason)


RANKS: Final = {
    reason: rank
    for rank, reason in enumerate(
        (
            "",
            "StartTimeout",
            "UtteranceResponse",
            "StillWaitingResponse",
            "FulfillmentInitiated",
            "FulfillmentStartedResponse",
            "FulfillmentUpdateResponse",
            "FulfillmentCompletedResponse",
        )
    )
}
"""Response reasons in the order in which the entries of one request happen: they may share their timestamp, which is
the user's. Unknown reasons come last, by name."""

ORDER_COLUMNS: Final = (
    "timestamp",
    "request_id",
    f"transform(toString(response_reason), {list(RANKS)}, {list(RANKS.values())}, {len(RANKS)})",
    "response_reason",
)
"""SQL expressions over table `turns` that sort events as `Turn.order` does."""

Order = tuple[int, str, int, str]
"""(timestamp, request id, rank of the response reason, response reason)"""

Identity = tuple[int, str, str]
"""(timestamp, request id, response reason): identifies an event within its conversation."""

MAX_UTTERANCE: Final = 4096
"""Characters of an utterance that rows repeat: four times what Lex accepts. The payload has the whole text."""

ConversationKey = tuple[str, str, str]
"""(bot id, session id, originating request id)"""


class ArchivedTurn(Turn, frozen=True, gc=False):
    """A row of table `turns`: the event's columns and its log entry, byte for byte unless it is redacted."""

    payload: Bytes


class ArchivedTurns(Sequence[ArchivedTurn]):
    """Rows of table `turns`, held as turns and their payloads.

    An insert takes their columns, so a row is built only for those who look at one: to build all takes as long as half
    of the insert.
    """

    def __init__(self, turns: Sequence[Turn], payloads: Sequence[bytes]) -> None:
        """`payloads` is parallel to `turns`."""
        self._turns, self._payloads = turns, payloads

    def __len__(self) -> int:
        return len(self._turns)

    @overload
    def __getitem__(self, place: int) -> ArchivedTurn: ...
    @overload
    def __getitem__(self, place: slice) -> Self: ...
    def __getitem__(self, place: int | slice) -> ArchivedTurn | Self:
        if isinstance(place, slice):
            return type(self)(self._turns[place], self._payloads[place])
        return ArchivedTurn(*(*msgspec.structs.astuple(self._turns[place]), self._payloads[place]))

    def transpose(self) -> list[Sequence[object]]:
        """Return the columns, in the order of the fields of `ArchivedTurn`."""
        return [*transpose(self._turns), self._payloads]


def content_digest(payload: bytes) -> int:
    """Digest a log entry as it is archived, that is, after redaction. 0 is reserved for entries archived without one.

    A sender who constructs two entries with the same digest only decides which of his own two events counts.
    """
    return xxh3_64_intdigest(payload) or 1
