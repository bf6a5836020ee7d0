"""Raw inputs of a source in; the turns that are asked for, and what was no turn, out."""

from collections.abc import Sequence
from typing import Protocol, Self

import msgspec

from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.opening import Unreadable
from pipeline.materialise.decoded_batch import DecodedBatch
from pipeline.materialise.erasure_filter import ErasureFilter
from schemas.erasure import Origin
from schemas.reprocessing import Position

TOLD = 20
"""Problems of a batch that are told one by one; all are counted."""


class RawInput(Protocol):
    """An input, which each source has in a form of its own."""

    @property
    def data(self) -> bytes:
        """Nothing where there is a problem."""

    @property
    def origin(self) -> str:
        """Where it came from; asked for where something has to be told of it."""

    @property
    def place(self) -> Origin | None:
        """Where Kafka has it; nothing where it comes from elsewhere, and so from nobody knows when."""

    @property
    def problem(self) -> str:
        """Why it could not even be read as a whole; empty where it could."""


class InputBatch(msgspec.Struct, frozen=True):
    """Inputs that follow one another, and the position behind them. `done` of the source's total are in it."""

    raws: Sequence[RawInput]
    position: Position
    done: int
    read: int
    """Inputs read for it, those outside of the window included."""
    damaged: Sequence[str] = ()
    """What could not be read at all between its inputs, and why: workers make a dead letter of each."""


class DecodedInputs(DecodedBatch):
    """Turns in the order of their inputs, and counts of all inputs. `sources` are `RawInput`s."""

    valid: int = 0
    dead: int = 0
    failed: int = 0
    bytes: int = 0
    forgotten: int = 0
    problems: list[str] = msgspec.field(default_factory=list)
    """Of some of the inputs that are no turns."""

    def origin(self, place: int) -> Origin | None:
        """Return where Kafka has the turn at `place`, or None for a turn from elsewhere."""
        return self.sources[place].place if self.sources else None

    def without_erased(self, erasures: ErasureFilter) -> Self:
        """Return the batch without erased events, which are counted."""
        kept = super().without_erased(erasures)
        return msgspec.structs.replace(kept, forgotten=len(erasures.erased)) if erasures.erased else kept


def decode(batch: InputBatch, reading: EventDecoder, bot_id: str | None) -> DecodedInputs:
    """What `batch` holds of this bot, or of all."""
    decoded = DecodedInputs([], [], dead=len(batch.damaged), problems=list(batch.damaged[:TOLD]))
    for raw in batch.raws:
        decoded.bytes += len(raw.data)
        if raw.problem:
            decoded.failed += 1
            _tell(decoded, raw.origin, raw.problem)
            continue
        for found in read_entries(raw.data, reading):
            if isinstance(found, Unreadable):
                decoded.dead += 1
                _tell(decoded, raw.origin, str(reading.redact_error(found.invalid)))
                continue
            decoded.valid += 1
            if bot_id is None or found[0].bot_id == bot_id:
                decoded.turns.append(found[0])
                decoded.payloads.append(found[1])
                decoded.sources.append(raw)
    return decoded


def _tell(decoded: DecodedInputs, origin: str, problem: str) -> None:
    if len(decoded.problems) < TOLD:
        decoded.problems.append(f"{origin}: {problem}")
