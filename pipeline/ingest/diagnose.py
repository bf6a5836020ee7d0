"""JSON that is no Lex V2 log entry in, the form it most likely has out: a look at its telling members."""

import enum
from typing import Any

import msgspec


class InputForm(enum.Enum):
    """What a JSON value looks like."""

    LOG_ENTRY_V1 = enum.auto()
    CODE_HOOK = enum.auto()
    ENVELOPE = enum.auto()
    UNKNOWN = enum.auto()


class _Members(msgspec.Struct, rename="camel", gc=False):
    bot_name: Any = None
    invocation_source: Any = None
    current_intent: Any = None
    log_events: Any = None
    awslogs: Any = None


_members = msgspec.json.Decoder(_Members)


def input_form(raw: bytes) -> InputForm:
    """The form of `raw`, which is JSON or was taken for it."""
    try:
        found = _members.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return InputForm.UNKNOWN
    if found.invocation_source is not None or found.current_intent is not None:
        return InputForm.CODE_HOOK
    if found.log_events is not None or found.awslogs is not None:
        return InputForm.ENVELOPE
    if found.bot_name is not None:
        return InputForm.LOG_ENTRY_V1
    return InputForm.UNKNOWN
