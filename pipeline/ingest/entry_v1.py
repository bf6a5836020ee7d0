"""A Lex V1 log entry in, the Turn that it would be in V2 out."""

from schemas.lex.log_entry import LogEntryV1, RequestAttributes, alias_id, bot_id
from schemas.turn import Turn

ENDED = {"Fulfilled", "Failed", "ReadyForFulfillment"}
"""V1 dialog states that end an intent: V2 calls the same word the intent's state and closes the dialog."""


def turn_of_v1(entry: LogEntryV1, timestamp: int, content: int) -> Turn:
    """The turn of `entry`, whose time is `timestamp` in milliseconds, and `content` the digest of its bytes.

    V1 knows bots and aliases by name: their ids are derived. Its `dialogState` says both what became of the
    intent and what the bot does next.
    """
    dialog_state, attributes = entry.dialog_state or "", entry.request_attributes
    ended = dialog_state in ENDED
    return Turn(
        bot_id=bot_id(entry.bot_name),
        session_id=entry.user_id,
        originating_request_id=entry.session_id,
        timestamp=timestamp,
        request_id=entry.request_id,
        response_reason="",
        operation_name="",
        bot_name=entry.bot_name,
        bot_alias_id=alias_id(entry.bot_name, entry.bot_alias),
        bot_alias_name=entry.bot_alias,
        bot_version=entry.bot_version or "",
        locale_id=(entry.locale or "").replace("-", "_"),
        input_mode=entry.input_dialog_mode or "",
        channel=(attributes.channel_type if isinstance(attributes, RequestAttributes) else None) or "",
        intent_name=entry.intent or "",
        intent_state=dialog_state if ended else "InProgress",
        dialog_action="Close" if ended else dialog_state,
        missed_utterance=entry.missed_utterance in (True, "true"),
        content=content,
    )
