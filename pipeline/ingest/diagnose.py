"""JSON that is no Lex V2 log entry in, the form it most likely has out: a look at its telling members."""

import enum

import msgspec

NOTHING = msgspec.Raw()


class InputForm(enum.Enum):
    """What a JSON value looks like."""

    LOG_ENTRY_V1 = enum.auto()
    CODE_HOOK = enum.auto()
    UNKNOWN = enum.auto()


class _Members(msgspec.Struct, rename="camel", gc=False):
    bot_name: msgspec.Raw = NOTHING
    invocation_source: msgspec.Raw = NOTHING
    current_intent: msgspec.Raw = NOTHING


def _is_there(member: msgspec.Raw) -> bool:
    return bytes(member) not in {b"", b"null"}


_members = msgspec.json.Decoder(_Members)


def input_form(raw: bytes) -> InputForm:
    """The form of `raw`, which is JSON or was taken for it, and not nested too deep."""
    try:
        found = _members.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return InputForm.UNKNOWN
    if _is_there(found.invocation_source) or _is_there(found.current_intent):
        return InputForm.CODE_HOOK
    if _is_there(found.bot_name):
        return InputForm.LOG_ENTRY_V1
    return InputForm.UNKNOWN
