"""Derive from the turns of a conversation what its user typed or said."""

from collections.abc import Iterator, Sequence

from pipeline.fold.visits import ELICIT_SLOT
from schemas.turn import Turn

Utterance = tuple[int, str, str, bool, str, str]
"""(time in milliseconds, request, text, whether it was missed, its intent, the slot that it answers)"""


def utterances(spoken: Sequence[Turn]) -> Iterator[Utterance]:
    """Yield an utterance for each request of `spoken`, the turns in the fold's order, that has a text.

    Of several events of one request the first with a text counts. The slot is the one that the last event of another
    request before it asked for.
    """
    known: set[str] = set()
    last: Turn | None = None
    other: Turn | None = None  # the last event before this one that is of another request
    for event in spoken:
        request_id = event.request_id
        if last is not None and last.request_id != request_id:
            other = last
        last = event
        if event.utterance and request_id not in known:
            known.add(request_id)
            slot = other.slot_to_elicit if other is not None and other.dialog_action == ELICIT_SLOT else ""
            yield event.timestamp, request_id, event.utterance, event.missed_utterance, event.intent_name, slot
