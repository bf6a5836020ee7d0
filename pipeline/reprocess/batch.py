"""Raw inputs of a source in; the turns that are asked for, and what was no turn, out."""

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from pipeline.ingest.decoder import EventDecoder, read_entries
from pipeline.ingest.unwrap.opening import Unreadable
from pipeline.materialise.erasure_filter import ErasureFilter
from schemas.erasure import Origin
from schemas.reprocessing import Position
from schemas.turn import ArchivedTurn, Turn

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


class DecodedInputs(msgspec.Struct):
    """Turns in the order of their inputs, each with its payload; the `problems` of some of the others."""

    turns: list[Turn]
    payloads: list[bytes]
    valid: int = 0
    dead: int = 0
    failed: int = 0
    bytes: int = 0
    forgotten: int = 0
    problems: list[str] = []
    raws: list[Any] = []
    """The inputs of the turns, each a `Raw`; none where nobody knows where they come from."""

    def met(self) -> ErasureFilter:
        """The turns, of which it is to be asked whether they are forgotten."""
        return ErasureFilter(self.turns, self._origin)

    def _origin(self, place: int) -> Origin | None:
        return self.raws[place].place if self.raws else None

    def without(self, met: ErasureFilter) -> "DecodedInputs":
        """The same without the events that are forgotten, which are counted."""
        if not met.covered:
            return self
        turns, payloads = [self.turns[place] for place in met.kept], [self.payloads[place] for place in met.kept]
        return msgspec.structs.replace(self, turns=turns, payloads=payloads, raws=[], forgotten=len(met.covered))

    def archived(self, place: int) -> ArchivedTurn:
        """The row of the archive that the turn at this place becomes."""
        return ArchivedTurn(*(*msgspec.structs.astuple(self.turns[place]), self.payloads[place]))


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
                _tell(decoded, raw.origin, str(reading.error(found.invalid)))
                continue
            decoded.valid += 1
            if bot_id is None or found[0].bot_id == bot_id:
                decoded.turns.append(found[0])
                decoded.payloads.append(found[1])
                decoded.raws.append(raw)
    return decoded


def _tell(decoded: DecodedInputs, origin: str, problem: str) -> None:
    if len(decoded.problems) < TOLD:
        decoded.problems.append(f"{origin}: {problem}")
