"""Derive from the turns of a conversation what its user typed or said."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pipeline.fold.visits import ELICIT_SLOT
from schemas.turn import Turn


class Utterance(NamedTuple):
    """An utterance: its time in milliseconds, request, text, whether it was missed, its intent, and the slot asked."""

    time: int
    request_id: str
    text: str
    missed: bool
    intent: str
    slot: str


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
            yield Utterance(
                event.timestamp,
                request_id,
                event.utterance,
                event.missed_utterance,
                event.intent_name,
                other.slot_to_elicit if other is not None and other.dialog_action == ELICIT_SLOT else "",
            )
