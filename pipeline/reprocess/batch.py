"""Decode batches of raw inputs, and count the inputs that are not log entries."""

from collections.abc import Sequence
from typing import Protocol, Self

import msgspec

from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.contents import Unreadable
from pipeline.materialise.decoded_batch import DecodedBatch
from pipeline.materialise.erasure_filter import ErasureFilter
from schemas.erasure import Origin
from schemas.reprocessing import Position

MAX_PROBLEMS = 20
"""Problems of a batch that are reported one by one; all are counted."""


class RawInput(Protocol):
    """An input of a source; each source has its own implementation."""

    @property
    def data(self) -> bytes:
        """The bytes of the input; empty if there is a problem."""

    @property
    def origin(self) -> str:
        """A description of the source and position, for problems."""

    @property
    def place(self) -> Origin | None:
        """The Kafka origin; None for an input from elsewhere, whose time of arrival is unknown."""

    @property
    def problem(self) -> str:
        """Why the input could not be read; empty if it could."""


class InputBatch(msgspec.Struct, frozen=True):
    """Consecutive inputs, and the position after them. `done` is their share of the source's total."""

    raws: Sequence[RawInput]
    position: Position
    done: int
    read: int
    """Number of inputs read, those outside of the time window included."""
    damaged: Sequence[str] = ()
    """Descriptions of unreadable record batches between the inputs; workers make a dead letter of each."""
    behind: int | None = None
    """Milliseconds between the last input and the end of the source, where that is known."""


class DecodedInputs(DecodedBatch):
    """Turns in the order of their inputs, and counts of all inputs. `sources` are `RawInput`s."""

    valid: int = 0
    dead: int = 0
    failed: int = 0
    bytes: int = 0
    forgotten: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    """The problems of the first inputs that are not log entries."""

    def origin(self, place: int) -> Origin | None:
        """Return the Kafka origin of the turn at `place`, or None for a turn from elsewhere."""
        return self.sources[place].place if self.sources else None

    def without_erased(self, erasures: ErasureFilter) -> Self:
        """Return the batch without erased events, and count these."""
        kept = super().without_erased(erasures)
        return msgspec.structs.replace(kept, forgotten=len(erasures.erased)) if erasures.erased else kept


def decode(batch: InputBatch, decoder: EventDecoder, bot_id: str | None) -> DecodedInputs:
    """Decode the turns of one bot in `batch`; of all bots if `bot_id` is None."""
    decoded = DecodedInputs([], [], dead=len(batch.damaged), problems=list(batch.damaged[:MAX_PROBLEMS]))
    for raw in batch.raws:
        decoded.bytes += len(raw.data)
        if raw.problem:
            decoded.failed += 1
            _add_problem(decoded, raw.origin, raw.problem)
            continue
        for entry in read_entries(raw.data, decoder):
            if isinstance(entry, Unreadable):
                decoded.dead += 1
                _add_problem(decoded, raw.origin, str(decoder.redact_error(entry.invalid)))
                continue
            decoded.valid += 1
            if bot_id is None or entry[0].bot_id == bot_id:
                decoded.turns.append(entry[0])
                decoded.payloads.append(entry[1])
                decoded.sources.append(raw)
    return decoded


def _add_problem(decoded: DecodedInputs, origin: str, problem: str) -> None:
    if len(decoded.problems) < MAX_PROBLEMS:
        decoded.problems.append(f"{origin}: {problem}")
