"""Decode a Lex V2 or V1 log entry into a turn."""

import enum
from datetime import UTC, datetime, timedelta
from sys import intern

import msgspec

from pipeline.ingest.unwrap.wrappers import wrapper_name
from pipeline.runtime.errors import InvalidEventError, Reason
from pipeline.runtime.half_characters import mended
from pipeline.runtime.json_depth import MAX_DEPTH, check_depth
from schemas.lex.log_entry import MAX_NAME, LogEntry, LogEntryV1, RequestAttributes, alias_id, bot_id
from schemas.turn import MAX_UTTERANCE, Turn, content_digest

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
YEAR_2100 = (datetime(2100, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)
MILLISECOND = timedelta(milliseconds=1)

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

CODE_HOOK = "this is a Lambda code-hook event (it has invocationSource), not a log entry"

_v2 = msgspec.json.Decoder(LogEntry)
_v1 = msgspec.json.Decoder(LogEntryV1)


def decode_entry(raw: bytes, max_bytes: int) -> Turn:
    """Decode a Lex V2 or V1 conversation-log entry. Halves of characters in it are read as U+FFFD.

    Raises:
        InvalidEventError: it is not a valid entry; the error says what is wrong and where.
    """
    if len(raw) > max_bytes:
        raise InvalidEventError(Reason.TOO_LARGE, f"{len(raw)} bytes; at most {max_bytes} are allowed")
    # counted first, as the call would make decoding a fifth slower
    if len(raw) - len(raw.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
        check_depth(raw)
    try:
        _ = raw.isascii() or raw.decode()  # the decoder does not validate members that it skips
        return _turn(_v2.decode(raw), content_digest(raw))
    except (UnicodeDecodeError, msgspec.DecodeError) as error:
        return _decode_fallback(raw, error)


def session_of(raw: bytes, max_bytes: int) -> str | None:
    """Return the session id of a Lex V2 entry that `decode_entry` accepts, in half of its time; None for any other."""
    if len(raw) > max_bytes or len(raw) - len(raw.replace(b"{", b"").replace(b"[", b"")) > MAX_DEPTH:
        return None
    try:
        _ = raw.isascii() or raw.decode()
        entry = _v2.decode(raw)
        _check_kind(entry)
        _parse_timestamp(entry.timestamp)
    except (UnicodeDecodeError, msgspec.DecodeError, InvalidEventError):
        return None
    return entry.session_id


def _parse_timestamp(timestamp: str) -> int:
    """Parse an ISO 8601 time with a zone as milliseconds since 1970 UTC; finer parts are truncated.

    Raises:
        InvalidEventError: it is no such time, has no zone, or is not between 1970 and 2100.
    """
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError as error:
        problem = str(error).partition(":")[0]  # the rest quotes the timestamp
        raise InvalidEventError(
            Reason.BAD_TIMESTAMP, f"the timestamp cannot be parsed ({problem})", timestamp
        ) from None
    if moment.tzinfo is None:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp has no time zone; Lex writes a Z", timestamp)
    result = (moment - EPOCH) // MILLISECOND
    if not 0 <= result < YEAR_2100:
        raise InvalidEventError(Reason.BAD_TIMESTAMP, "the timestamp is not between 1970 and 2100", timestamp)
    return result


def is_log_entry(entry: LogEntry) -> bool:
    """Return whether it is neither a code-hook event nor an entry of another version."""
    return entry.invocation_source is None and _version(entry).startswith("2.")


def _version(entry: LogEntry) -> str:
    return entry.message_version or entry.message_version_dashed or "2.0"


def _check_kind(entry: LogEntry) -> None:
    """Raise InvalidEventError for a code-hook event, and for an entry of another version."""
    if entry.invocation_source is not None:
        raise InvalidEventError(Reason.CODE_HOOK, CODE_HOOK)
    if not (version := _version(entry)).startswith("2."):
        raise InvalidEventError(Reason.BAD_VERSION, "the messageVersion of a Lex V2 entry is not 2.x", version)


def _turn(entry: LogEntry, content: int) -> Turn:
    _check_kind(entry)
    bot, state = entry.bot, entry.session_state
    intent, action, attributes = state.intent, state.dialog_action, entry.request_attributes
    # texts recur: with one copy of each, the events that a worker caches take a third of the memory. The arguments
    # are positional, as keywords take half as long again for each event
    return Turn(
        intern(bot.id),
        intern(entry.session_id),
        intern(state.originating_request_id),
        _parse_timestamp(entry.timestamp),
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
        _utterance(entry.input_transcript),
        intern(_slot(action.slot_to_elicit)) if action else "",
        content,
    )


def _utterance(transcript: object) -> str:
    """Return the text that rows repeat, cut with an ellipsis where it is longer than any that Lex accepts."""
    if not isinstance(transcript, str):
        return ""
    return transcript if len(transcript) <= MAX_UTTERANCE else f"{transcript[: MAX_UTTERANCE - 1]}{ELLIPSIS}"


def _slot(name: object) -> str:
    """Return the name of a slot; one that is longer than any name may be counts as absent."""
    return name if isinstance(name, str) and len(name) <= MAX_NAME else ""


def _decode_fallback(raw: bytes, error: Exception) -> Turn:
    """Decode what is not a V2 entry as it is: it has halves of characters, is of V1, or no entry at all."""
    text = mended(raw)
    if text is raw and isinstance(error, msgspec.ValidationError):
        return _decode_v1(text, str(error), content_digest(raw))
    try:
        return _turn(_v2.decode(text), content_digest(raw))
    except msgspec.ValidationError as v2_error:
        return _decode_v1(text, str(v2_error), content_digest(raw))
    except msgspec.DecodeError as syntax_error:
        if not text.strip():
            raise InvalidEventError(Reason.EMPTY, "the input is empty") from None
        utf16 = "; it looks like UTF-16 without a byte order mark" if b"\0" in text[:4] else ""
        raise InvalidEventError(Reason.NOT_JSON, f"{syntax_error}{utf16}") from None


def _decode_v1(text: bytes, v2_problem: str, content: int) -> Turn:
    form = input_form(text)
    if form is InputForm.LOG_ENTRY_V1:
        try:
            entry = _v1.decode(text)
        except msgspec.ValidationError as error:
            raise InvalidEventError(Reason.WRONG_SHAPE, f"invalid Lex V1 log entry: {error}") from None
        return _turn_v1(entry, _parse_timestamp(entry.timestamp), content)
    if form is InputForm.CODE_HOOK:
        raise InvalidEventError(Reason.CODE_HOOK, CODE_HOOK)
    if name := wrapper_name(text):
        raise InvalidEventError(
            Reason.WRONG_SHAPE, f"{name} is not a log entry; send it to the raw topic, where it is unwrapped"
        )
    raise InvalidEventError(Reason.WRONG_SHAPE, f"invalid Lex V2 log entry: {v2_problem}")


_V1_CLOSED_STATES = {"Fulfilled", "Failed", "ReadyForFulfillment"}
"""V1 dialog states that end an intent: V2 has them as the intent's state, and closes the dialog."""


def _turn_v1(entry: LogEntryV1, timestamp: int, content: int) -> Turn:
    """Build the turn of `entry`; `timestamp` is in milliseconds, `content` the digest of its bytes.

    V1 knows bots and aliases by name: their ids are derived. Its `dialogState` is both the state of the intent and the
    next action of the bot.
    """
    dialog_state, attributes = entry.dialog_state or "", entry.request_attributes
    is_closed = dialog_state in _V1_CLOSED_STATES
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
        intent_state=dialog_state if is_closed else "InProgress",
        dialog_action="Close" if is_closed else dialog_state,
        missed_utterance=entry.missed_utterance in (True, "true"),
        utterance=_utterance(entry.input_transcript),
        slot_to_elicit=_slot(entry.slot_to_elicit),
        content=content,
    )


_ABSENT = msgspec.Raw()


class InputForm(enum.Enum):
    """Forms of JSON that are told apart to explain what is wrong."""

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
    """Return the likely form of `raw`, which is JSON or was taken for it, and not nested too deep."""
    try:
        members = _form_members.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return InputForm.UNKNOWN
    if _is_present(members.invocation_source) or _is_present(members.current_intent):
        return InputForm.CODE_HOOK
    if _is_present(members.bot_name):
        return InputForm.LOG_ENTRY_V1
    return InputForm.UNKNOWN
