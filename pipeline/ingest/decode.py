"""Decode a log entry of Lex V2 or V1 into a turn."""

import enum
from datetime import UTC, datetime, timedelta
from sys import intern

import msgspec

from pipeline.ingest.unwrap.wrappers import name_of
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import mended
from pipeline.runtime.json_depth import MAX_DEPTH, check_depth
from schemas.lex.log_entry import LogEntry, LogEntryV1, RequestAttributes, alias_id, bot_id
from schemas.turn import Turn, content_digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
MILLISECOND = timedelta(milliseconds=1)

_v2 = msgspec.json.Decoder(LogEntry)
_v1 = msgspec.json.Decoder(LogEntryV1)


def decode_entry(raw: bytes, max_bytes: int) -> Turn:
    """The turn of a Lex V2 or V1 conversation-log entry. Halves of characters in it are read as U+FFFD.

    Raises:
        InvalidEventError: it is no such entry, with what was wrong and where.
    """
    if len(raw) > max_bytes:
        raise InvalidEventError(Reason.TOO_LARGE, f"{len(raw)} bytes, where {max_bytes} are allowed")
    if len(raw) - len(raw.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:  # which calls would make a fifth dearer
        check_depth(raw)
    try:
        _ = raw.isascii() or raw.decode()  # the decoder does not look at texts that nobody asks for
        return _turn(_v2.decode(raw), content_digest(raw))
    except (UnicodeDecodeError, msgspec.DecodeError) as wrong:
        return _decode_other(raw, wrong)


def milliseconds(timestamp: str) -> int:
    """An ISO 8601 time with a zone, as milliseconds since 1970 UTC; finer parts are cut.

    Raises:
        InvalidEventError: no such time, no zone, or not between 1970 and 2100.
    """
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError as wrong:
        why = str(wrong).partition(":")[0]  # behind that it quotes
        raise InvalidEventError(Reason.BAD_TIMESTAMP, f"the timestamp is no time ({why})", timestamp) from None
    if moment.tzinfo is None:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp has no time zone; Lex writes a Z", timestamp)
    found = (moment - EPOCH) // MILLISECOND
    if not 0 <= found < END_OF_TIME:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp is not between 1970 and 2100", timestamp)
    return found


def _turn(entry: LogEntry, content: int) -> Turn:
    if entry.invocation_source is not None:
        raise InvalidEventError(Reason.CODE_HOOK, "a Lambda code-hook event (it has invocationSource) is no log entry")
    version = entry.message_version or entry.message_version_dashed or "2.0"
    if not version.startswith("2."):
        raise InvalidEventError(Reason.BAD_VERSION, "messageVersion of a Lex V2 entry, where 2.x is known", version)
    bot, state = entry.bot, entry.session_state
    intent, action, attributes = state.intent, state.dialog_action, entry.request_attributes
    # words come again and again: one copy of each makes the events that a worker remembers a third of their size.
    # By the order of the fields, as by their names it takes half as long again, for each event
    return Turn(
        intern(bot.id),
        intern(entry.session_id),
        intern(state.originating_request_id),
        milliseconds(entry.timestamp),
        entry.request_id,
        intern(entry.response_reason or ""),
        intern(entry.operation_name or ""),
        intern(bot.name or ""),
        intern(bot.alias_id),
        intern(bot.alias_name or ""),
        intern(bot.version),
        intern(bot.locale_id),
        intern(entry.input_mode or ""),
        intern((attributes.platform if attributes else None) or ""),
        intern((intent.name if intent else None) or ""),
        intern((intent.state if intent else None) or ""),
        intern((action.type if action else None) or ""),
        entry.missed_utterance in (True, "true"),
        content,
    )


def _decode_other(raw: bytes, wrong: Exception) -> Turn:
    """Decode what is no V2 entry as it stands: it has halves of characters, is of V1, or no entry at all."""
    text = mended(raw)
    if text is raw and isinstance(wrong, msgspec.ValidationError):
        return _decode_v1(text, str(wrong), content_digest(raw))
    try:
        return _turn(_v2.decode(text), content_digest(raw))
    except msgspec.ValidationError as mistake:
        return _decode_v1(text, str(mistake), content_digest(raw))
    except msgspec.DecodeError as broken:
        if not text.strip():
            raise InvalidEventError(Reason.EMPTY, "the input has no content") from None
        utf16 = "; it looks like UTF-16 without a byte order mark" if b"\0" in text[:4] else ""
        raise InvalidEventError(Reason.NOT_JSON, f"{broken}{utf16}") from None


def _decode_v1(text: bytes, wrong: str, content: int) -> Turn:
    form = input_form(text)
    if form is InputForm.LOG_ENTRY_V1:
        try:
            entry = _v1.decode(text)
        except msgspec.ValidationError as wrong_v1:
            raise InvalidEventError(Reason.WRONG_SHAPE, f"as a Lex V1 log entry: {wrong_v1}") from None
        return turn_of_v1(entry, milliseconds(entry.timestamp), content)
    if form is InputForm.CODE_HOOK:
        raise InvalidEventError(Reason.CODE_HOOK, "a Lambda code-hook event (it has invocationSource) is no log entry")
    if name := name_of(text):
        raise InvalidEventError(Reason.WRONG_SHAPE, f"{name} is no log entry: the raw topic is where it is unwrapped")
    raise InvalidEventError(Reason.WRONG_SHAPE, f"as a Lex V2 log entry: {wrong}")


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


_ABSENT = msgspec.Raw()


class InputForm(enum.Enum):
    """What a JSON value looks like."""

    LOG_ENTRY_V1 = enum.auto()
    CODE_HOOK = enum.auto()
    UNKNOWN = enum.auto()


class _FormMembers(msgspec.Struct, rename="camel", gc=False):
    bot_name: msgspec.Raw = _ABSENT
    invocation_source: msgspec.Raw = _ABSENT
    current_intent: msgspec.Raw = _ABSENT


def _is_present(member: msgspec.Raw) -> bool:
    return bytes(member) not in {b"", b"null"}


_form_members = msgspec.json.Decoder(_FormMembers)


def input_form(raw: bytes) -> InputForm:
    """The form of `raw`, which is JSON or was taken for it, and not nested too deep."""
    try:
        found = _form_members.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return InputForm.UNKNOWN
    if _is_present(found.invocation_source) or _is_present(found.current_intent):
        return InputForm.CODE_HOOK
    if _is_present(found.bot_name):
        return InputForm.LOG_ENTRY_V1
    return InputForm.UNKNOWN
