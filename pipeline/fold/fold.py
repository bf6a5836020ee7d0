"""Fold the events of a conversation into its row: a pure function of their set."""

from collections.abc import Collection, Iterable
from itertools import groupby
from typing import Any, Final

from pipeline.fold.items import FAILED, OPEN, SUCCESS, intent_visits, split_visits, stage_visits, utterances
from schemas.conversation import Conversation, EndState
from schemas.fold_rules import FoldRules
from schemas.turn import Turn

PUT_SESSION = "PutSession"
MULTI_MODE = "MultiMode"
END_STATES: Final = {SUCCESS: EndState.SUCCESS.value, FAILED: EndState.FAILURE.value, OPEN: EndState.OPEN.value}
"""State of the last visit -> state of the conversation."""


def fold(turns: Collection[Turn], rules: FoldRules, lesser: int = 0) -> Conversation:
    """Fold the distinct events of a conversation, at least one, in any order, into its row.

    `lesser` is the number of other contents of these events, which count in the version alone (see `EventSet`).

    The rules are DESIGN.md's, after Lex's own definitions of analytics keys.
    """
    events = sorted(turns, key=lambda turn: turn.order)
    first, last = events[0], events[-1]
    spoken = [event for event in events if event.operation_name != PUT_SESSION]
    visits = split_visits(events)
    visit_intents, visit_levels, visit_states = _columns(intent_visits(visits, rules), 3)
    stage_intents, stage_names, stage_states, switched_to, retries = _columns(stage_visits(visits, rules), 5)
    times, request_ids, texts, missed, utterance_intents, slots = _columns(utterances(spoken), 6)
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
        intents=tuple(dict.fromkeys(visit_intents)),
        intent_path="".join(f"/{name}" for name, _ in groupby(visit_intents)),
        end_state=END_STATES[visit_states[-1] if visits else OPEN],
        version=len(events) + lesser,
        visit_intents=visit_intents,
        visit_levels=visit_levels,
        visit_states=visit_states,
        stage_intents=stage_intents,
        stage_names=stage_names,
        stage_states=stage_states,
        stage_switched_to=switched_to,
        stage_retries=retries,
        utterance_times=times,
        utterance_request_ids=request_ids,
        utterance_texts=texts,
        utterance_missed=missed,
        utterance_intents=utterance_intents,
        utterance_slots=slots,
        fold=rules.version,
    )


def _columns(rows: Iterable[tuple[Any, ...]], count: int) -> tuple[tuple[Any, ...], ...]:
    """Return the `count` columns of `rows`, empty ones where there are no rows."""
    return tuple(zip(*rows, strict=True)) or ((),) * count


def _mode(modes: set[str]) -> str:
    return modes.pop() if len(modes) == 1 else MULTI_MODE if modes else ""
