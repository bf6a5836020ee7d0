"""Hold decoded turns with their payloads, in log order, for the worker and for reprocessing."""

from collections.abc import Sequence
from typing import Any, Self

import msgspec

from pipeline.materialise.erasure_filter import ErasureFilter, RecreationCheck
from schemas.erasure import Origin
from schemas.turn import ArchivedTurns, ConversationKey, Turn


class DecodedBatch(msgspec.Struct):
    """Turns in log order. `payloads` and `sources` are parallel to `turns`."""

    turns: list[Turn]
    payloads: list[bytes]
    sources: list[Any] = []
    """The inputs that the turns were decoded from; empty once they are not needed any more."""

    @property
    def keys(self) -> list[ConversationKey]:
        """The conversations of the turns, in the order in which they first occur."""
        return list(dict.fromkeys(turn.key for turn in self.turns))

    def origin(self, place: int) -> Origin | None:
        """Return the Kafka origin of the turn at `place`, or None for a turn from elsewhere."""
        origin: Origin | None = self.sources[place] if self.sources else None
        return origin

    def erasure_filter(self, is_recreated: RecreationCheck | None = None) -> ErasureFilter:
        """Return a filter that finds the erased events among the turns."""
        return ErasureFilter(self.turns, self.origin, is_recreated)

    def without_erased(self, erasures: ErasureFilter) -> Self:
        """Return the batch without the events that the filter found to be erased."""
        if not erasures.erased:
            return self
        kept = erasures.kept
        turns, payloads = [self.turns[place] for place in kept], [self.payloads[place] for place in kept]
        return msgspec.structs.replace(self, turns=turns, payloads=payloads, sources=[])

    def archived(self, places: Sequence[int]) -> ArchivedTurns:
        """Return the archive rows of the turns at `places`."""
        return ArchivedTurns([self.turns[place] for place in places], [self.payloads[place] for place in places])
