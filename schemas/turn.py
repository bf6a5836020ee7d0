"""What the pipeline keeps of one turn event, and the row of the archive that it becomes."""

import msgspec

from schemas.columns import Flag, Millis, Payload, Text, Word


class Turn(msgspec.Struct, frozen=True, gc=False):
    """A valid turn event. Text that the event does not carry is the empty string.

    The archive holds each distinct event once: events are the same where conversation, `timestamp`,
    `request_id` and `response_reason` agree.
    """

    bot_id: Word
    session_id: Text
    originating_request_id: Text
    timestamp: Millis
    request_id: Text
    response_reason: Word
    operation_name: Word
    bot_name: Word
    bot_alias_id: Word
    bot_alias_name: Word
    bot_version: Word
    locale_id: Word
    input_mode: Word
    channel: Word
    intent_name: Word
    intent_state: Word
    dialog_action: Word
    missed_utterance: Flag

    @property
    def key(self) -> "ConversationKey":
        """The conversation that the event belongs to."""
        return (self.bot_id, self.session_id, self.originating_request_id)

    @property
    def order(self) -> tuple[int, str, str]:
        """Identity and order within the conversation: by time, then request, then reason."""
        return (self.timestamp, self.request_id, self.response_reason)


ConversationKey = tuple[str, str, str]
"""(bot id, session id, originating request id)"""


class ArchivedTurn(Turn, frozen=True, gc=False):
    """The row of table `turns`: the event's columns, and the entry: byte for byte, unless it is redacted."""

    payload: Payload
