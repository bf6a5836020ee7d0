"""Fold the events of a conversation into its row: a pure function of their set."""

from collections.abc import Collection, Sequence
from itertools import groupby

from schemas.conversation import Conversation, EndState
from schemas.fold_rules import FoldRules
from schemas.turn import Turn

PUT_SESSION = "PutSession"
MULTI_MODE = "MultiMode"
CLOSE = "Close"
SUCCEEDED = {"Fulfilled", "ReadyForFulfillment"}
FAILED = "Failed"


def fold(turns: Collection[Turn], rules: FoldRules, lesser: int = 0) -> Conversation:
    """Fold the distinct events of a conversation, at least one, in any order, into its row.

    `lesser` is the number of other contents of these events, which count in the version alone (see `EventSet`).

    The rules are DESIGN.md's, after Lex's own definitions of analytics keys.
    """
    events = sorted(turns, key=lambda turn: turn.order)
    first, last = events[0], events[-1]
    spoken = [event for event in events if event.operation_name != PUT_SESSION]
    intents = [event.intent_name for event in events if event.intent_name]
    return Conversation(
        bot_id=last.bot_id,
        start=first.timestamp,
        session_id=last.session_id,
        originating_request_id=last.originating_request_id,
        end=last.timestamp,
        duration_seconds=(last.timestamp - first.timestamp) // 1000,
        turns=len({event.request_id for event in spoken}),
        mode=_mode({event.input_mode for event in spoken if event.input_mode}),
        channel=next((event.channel for event in reversed(events) if event.channel), ""),
        bot_alias_id=last.bot_alias_id,
        bot_version=last.bot_version,
        locale_id=last.locale_id,
        intents=tuple(dict.fromkeys(intents)),
        intent_path="".join(f"/{name}" for name, _ in groupby(intents)),
        end_state=_end_state(events, rules),
        version=len(events) + lesser,
    )


def _mode(modes: set[str]) -> str:
    return modes.pop() if len(modes) == 1 else MULTI_MODE if modes else ""


def _end_state(events: Sequence[Turn], rules: FoldRules) -> str:
    final = next((event for event in reversed(events) if event.intent_name), None)
    if final is None:
        return EndState.OPEN.value
    closed = final.dialog_action == CLOSE
    # A fallback turn closes as ReadyForFulfillment, which reads like a success: the fallback rule comes first.
    if final.intent_name in rules.fallback_intents or (closed and final.intent_state == FAILED):
        return EndState.FAILURE.value
    return EndState.SUCCESS.value if closed and final.intent_state in SUCCEEDED else EndState.OPEN.value
