"""Records are decoded in their order, and those of other partitions are set apart."""

from collections.abc import Sequence

import msgspec

from pipeline.config.settings import Settings
from pipeline.ingest.decoder import EventDecoder
from pipeline.kafka.placement import Placement
from pipeline.materialise.turn_records import MAX_FORWARDS, DecodedRecords, RecordDecoder, Stray
from pipeline.metrics.worker import WorkerMetrics
from schemas.topics import FORWARDED
from tests.events import raw

PLACEMENT = Placement("murmur2", 4)
RIGHT = PLACEMENT.partition_of("session-1")
WRONG = (RIGHT + 1) % 4


class Record(msgspec.Struct):
    value: bytes | None
    partition: int = RIGHT
    headers: Sequence[tuple[str, bytes]] = ()
    topic: str = "turns"
    offset: int = 0
    timestamp: int = -1
    topic_id: str = ""


def decoder(placement: Placement | None) -> tuple[RecordDecoder, WorkerMetrics]:
    metrics = WorkerMetrics()
    return RecordDecoder(EventDecoder.of(Settings()), lambda: placement, metrics), metrics


def test_a_record_that_was_forwarded_too_often_is_folded_where_it_is() -> None:
    decode, metrics = decoder(PLACEMENT)
    batch = [Record(raw(), WRONG, [(FORWARDED, b"%d" % times)]) for times in (MAX_FORWARDS - 1, MAX_FORWARDS)]
    decoded = decode([*batch, Record(b"{", WRONG), Record(raw(), WRONG)])
    assert ([stray.record for stray in decoded.strays], len(decoded.turns)) == ([batch[0], Record(raw(), WRONG)], 1)
    assert list(decoded.letters) == [2], "what cannot be decoded has no session, and stays where it is"
    assert decoded.displaced == {decoded.turns[0].key}
    assert metrics.registry.get_sample_value("turnfold_misplaced_total", {"outcome": "kept"}) == 1


def test_a_record_in_its_partition_is_no_stray() -> None:
    assert decoder(PLACEMENT)[0]([Record(raw())]).strays == []
    assert decoder(None)[0]([Record(raw(), WRONG)]).strays == []


def test_joined_batches_keep_their_order_and_the_positions_of_dead_letters() -> None:
    decode, _ = decoder(None)
    batches = [decode([Record(raw(requestId="r1")), Record(b"{")]), decode([Record(b"["), Record(raw(requestId="r2"))])]
    whole = DecodedRecords.join(batches)
    assert [turn.request_id for turn in whole.turns] == ["r1", "r2"]
    assert [source.value for source in whole.sources] == [raw(requestId="r1"), raw(requestId="r2")]
    assert (whole.records, sorted(whole.letters)) == (4, [1, 2])


def test_refused_strays_are_turns_of_this_partition() -> None:
    decode, _ = decoder(PLACEMENT)
    decoded = decode([Record(raw(requestId="r1")), Record(raw(requestId="r2"), WRONG)])
    assert all(isinstance(stray, Stray) for stray in decoded.strays)
    whole = decoded.with_refused(decoded.strays)
    assert [turn.request_id for turn in whole.turns] == ["r1", "r2"]
    assert (whole.strays, whole.displaced, whole.origin(1)) == ([], {whole.turns[1].key}, decoded.strays[0].record)
