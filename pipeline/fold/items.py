"""Derive from the events of a conversation its items: visits of intents and of their stages, and utterances.

The rules of visits follow the facts that AWS publishes of bots in the data lake of Amazon Connect (bot_intents,
bot_slots).
Every flush derives all items of each conversation that it touches, so loops are plain and results are plain tuples.
"""

from collections.abc import Collection, Iterator, Sequence

from schemas.fold_rules import FoldRules
from schemas.turn import Turn

CLOSE, ELICIT_SLOT, CONFIRM_INTENT = "Close", "ElicitSlot", "ConfirmIntent"
"""Dialog actions."""
COMPLETED = {"Fulfilled", "ReadyForFulfillment", "Failed"}
"""States of an intent in which a bot that closes the dialog has completed it."""
SUCCESS, FAILED, SWITCHED, DROPPED, OPEN = "Success", "Failed", "Switched", "Dropped", ""
"""States of visits. An open one is Dropped once the conversation's idle TTL has passed."""
IntentVisit = tuple[str, int, str]
"""(intent, level, state): the level counts names in the intent path up to the visit, from 1."""
StageVisit = tuple[str, str, str, str, int]
"""(intent, stage, state, the intent that it was left for, retries). A stage is a slot that is asked for, or
`ConfirmIntent`; retries are the requests that asked, without the first."""
Utterance = tuple[int, str, str, bool, str, str]
"""(time in milliseconds, request, text, whether it was missed, its intent, the slot that it answers)"""


def completes(event: Turn) -> bool:
    """Return whether the event completes its intent."""
    return event.dialog_action == CLOSE and event.intent_state in COMPLETED


def split_visits(events: Sequence[Turn]) -> list[list[Turn]]:
    """Divide the events that have an intent, in the fold's order, into the visits of intents.

    A visit ends where the intent changes, or where another request follows the event that completed it.
    """
    visits: list[list[Turn]] = []
    intent = completed_by = ""
    for event in events:
        if not (name := event.intent_name):
            continue
        if name != intent or (completed_by and completed_by != event.request_id):
            visits.append([event])
            intent = name
        else:
            visits[-1].append(event)
        completed_by = event.request_id if event.dialog_action == CLOSE and completes(event) else ""
    return visits


def intent_visits(visits: Sequence[Sequence[Turn]], rules: FoldRules) -> Iterator[IntentVisit]:
    """Yield the visits of intents. Two in a row of one intent share a level, as they share a name in the path."""
    level, before = 0, ""
    for place, events in enumerate(visits, 1):
        intent = events[0].intent_name
        level += intent != before
        after = visits[place][0].intent_name if place < len(visits) else ""
        yield intent, level, _intent_state(events[-1], after, rules.fallback_intents)
        before = intent


def _intent_state(last: Turn, after: str, fallback_intents: Collection[str]) -> str:
    """Return the state of a visit by its last event and the next visit's intent, empty if there is none."""
    if last.intent_name in fallback_intents:
        return FAILED
    if completes(last):
        return FAILED if last.intent_state == FAILED else SUCCESS
    if not after:
        return OPEN
    return FAILED if after in fallback_intents else SWITCHED


def stage_visits(visits: Sequence[Sequence[Turn]], rules: FoldRules) -> Iterator[StageVisit]:
    """Yield the visits of stages: within the visit of an intent, runs of events that ask for the same."""
    for place, events in enumerate(visits, 1):
        intent, stage, requests = events[0].intent_name, "", [""]
        for event in events:
            action = event.dialog_action
            asked = event.slot_to_elicit if action == ELICIT_SLOT else action if action == CONFIRM_INTENT else ""
            if asked == stage:
                requests.append(event.request_id)
                continue
            if stage:
                failed = completes(event) and event.intent_state == FAILED
                yield intent, stage, FAILED if failed else SUCCESS, "", _retries(requests)
            stage, requests = asked, [event.request_id]
        if stage:
            after = visits[place][0].intent_name if place < len(visits) else ""
            yield intent, stage, *_left_for(after, rules.fallback_intents), _retries(requests)


def _left_for(after: str, fallback_intents: Collection[str]) -> tuple[str, str]:
    """Return the state of the last stage of a visit, and the intent switched to, by the next visit's intent."""
    if not after:
        return OPEN, ""
    return (FAILED, "") if after in fallback_intents else (DROPPED, after)


def _retries(requests: Sequence[str]) -> int:
    return len(set(requests)) - 1


def utterances(spoken: Sequence[Turn]) -> Iterator[Utterance]:
    """Yield an utterance for each request of `spoken`, the turns in the fold's order, that has a text.

    Of several events of one request the first with a text counts. The slot is the one that the last event of another
    request before it asked for.
    """
    known: set[str] = set()
    request_id = asked = answered = ""
    for event in spoken:
        if event.request_id != request_id:
            request_id, answered = event.request_id, asked
        if event.utterance and request_id not in known:
            known.add(request_id)
            yield event.timestamp, request_id, event.utterance, event.missed_utterance, event.intent_name, answered
        asked = event.slot_to_elicit if event.dialog_action == ELICIT_SLOT else ""
