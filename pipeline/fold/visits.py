"""Derive from the events of a conversation the visits of its intents and of their stages.

The rules follow the facts that AWS publishes of bots in the data lake of Amazon Connect (bot_intents, bot_slots).
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from schemas.fold_rules import FoldRules
from schemas.turn import Turn

CLOSE, ELICIT_SLOT, CONFIRM_INTENT = "Close", "ElicitSlot", "ConfirmIntent"
"""Dialog actions."""
COMPLETED = {"Fulfilled", "ReadyForFulfillment", "Failed"}
"""States of an intent in which a bot that closes the dialog has completed it."""
SUCCESS, FAILED, SWITCHED, DROPPED, OPEN = "Success", "Failed", "Switched", "Dropped", ""
"""States of visits. An open one is Dropped once the conversation's idle TTL has passed."""


class IntentVisit(NamedTuple):
    """A visit of an intent: its events, in their order, and its level in the intent path, 1 for the first name."""

    intent: str
    level: int
    state: str
    events: Sequence[Turn]


class StageVisit(NamedTuple):
    """A visit of a stage: a slot that is asked for, or `ConfirmIntent`. `retries` counts the requests but the first."""

    intent: str
    stage: str
    state: str
    switched_to: str
    retries: int


def completes(event: Turn) -> bool:
    """Return whether the event completes its intent."""
    return event.dialog_action == CLOSE and event.intent_state in COMPLETED


def intent_visits(events: Sequence[Turn], rules: FoldRules) -> list[IntentVisit]:
    """Divide the events that have an intent, in the fold's order, into visits.

    A visit ends where the intent changes, or where another request follows the event that completed it. Two visits in
    a row of the same intent share a level, as they share a name in the intent path.
    """
    runs: list[list[Turn]] = []
    last: Turn | None = None
    for event in events:
        if not event.intent_name:
            continue
        changed = last is None or event.intent_name != last.intent_name
        if changed or (last is not None and event.request_id != last.request_id and completes(last)):
            runs.append([event])
        else:
            runs[-1].append(event)
        last = event
    visits: list[IntentVisit] = []
    level, before = 0, ""
    for place, run in enumerate(runs, 1):
        intent = run[0].intent_name
        level += intent != before
        after = runs[place][0].intent_name if place < len(runs) else ""
        visits.append(IntentVisit(intent, level, _intent_state(run[-1], after, rules.fallback_intents), run))
        before = intent
    return visits


def _intent_state(last: Turn, after: str, fallback_intents: Collection[str]) -> str:
    """Return the state of a visit by its last event and the next visit's intent, empty if there is none."""
    if last.intent_name in fallback_intents:
        return FAILED
    if completes(last):
        return FAILED if last.intent_state == FAILED else SUCCESS
    if not after:
        return OPEN
    return FAILED if after in fallback_intents else SWITCHED


def stage_visits(visits: Sequence[IntentVisit], rules: FoldRules) -> Iterator[StageVisit]:
    """Yield the visits of stages: within an intent visit, runs of events that ask for the same."""
    for place, visit in enumerate(visits, 1):
        after = visits[place].intent if place < len(visits) else ""
        runs = [(stage, list(run)) for stage, run in groupby(visit.events, _stage)]
        for number, (stage, run) in enumerate(runs, 1):
            if not stage:
                continue
            switched_to = ""
            if number < len(runs):
                answer = runs[number][1][0]
                state = FAILED if completes(answer) and answer.intent_state == FAILED else SUCCESS
            elif not after:
                state = OPEN
            elif after in rules.fallback_intents:
                state = FAILED
            else:
                state, switched_to = DROPPED, after
            yield StageVisit(visit.intent, stage, state, switched_to, len({event.request_id for event in run}) - 1)


def _stage(event: Turn) -> str:
    """Return the stage that the event asks for, empty if none."""
    action = event.dialog_action
    return event.slot_to_elicit if action == ELICIT_SLOT else action if action == CONFIRM_INTENT else ""
