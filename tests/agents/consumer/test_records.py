"""The records of a fetch have what Kafka has of them, however few are asked for at a time."""

from functools import partial
from types import SimpleNamespace
from typing import Any

import aiokafka.consumer.fetcher
import pytest
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition

from agents.consumer.records import FetchedRecords, KafkaRecord
from pipeline.kafka.batches.record_batch import build_batch, empty_header, encode_record

Content = tuple[bytes | None, list[tuple[str, bytes | None]]]
HEADERS: list[tuple[str, bytes | None]] = [("forwarded", b"1"), ("empty", None)]
TURNS = TopicPartition("turns", 3)
TOPIC_IDS = {"turns": "ab12"}
BATCHES: list[list[Content]] = [
    [(b"a", HEADERS), (None, []), (b"", [])],
    [(b"d", []), (b"e", HEADERS)],
]


def fetched(kind: Any, requested: int = 0) -> Any:
    """The records of a fetch as `kind` reads them."""
    raw, first = b"", 0
    for batch in BATCHES:
        records = b"".join(
            encode_record(value, headers, None, place, 10 * place) for place, (value, headers) in enumerate(batch)
        )
        header = empty_header(first, first + len(batch) - 1, 1_780_000_000_000)
        raw, first = raw + build_batch(header._replace(records=len(batch)), records), first + len(batch)
    return kind(TURNS, MemoryRecords(raw), [], requested, None, None, True, 1)


@pytest.mark.parametrize("requested", [0, 1, 2])
def test_they_are_what_aiokafka_reads(requested: int) -> None:
    theirs = list(fetched(FetchedRecords.__base__, requested))
    ours = list(fetched(partial(FetchedRecords, TOPIC_IDS.__getitem__), requested))
    assert len(ours) == 5 - requested
    for mine, other in zip(ours, theirs, strict=True):
        assert isinstance(mine, KafkaRecord)
        assert not isinstance(other, KafkaRecord)
        assert mine.topic_id == "ab12"
        for field in {*KafkaRecord.__struct_fields__} - {"topic_id"}:
            assert getattr(mine, field) == getattr(other, field), field


@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
def test_a_poll_goes_on_where_the_one_before_ended(most: int) -> None:
    """A fetch holds more than one poll takes; the position that is committed later follows what was taken."""
    records = fetched(partial(FetchedRecords, TOPIC_IDS.__getitem__))
    positions: list[int] = []

    def consumed_to(position: int) -> None:
        positions.append(position)
        state.position = position

    state = SimpleNamespace(paused=False, position=0, consumed_to=consumed_to)
    result = aiokafka.consumer.fetcher.FetchResult(
        TURNS,
        assignment=SimpleNamespace(active=True, state_value=lambda _: state),
        partition_records=records,
        backoff=0,
    )
    polls = []
    while result.has_more():
        polls.append([record.offset for record in result.getall(most)])
    assert [offset for poll in polls for offset in poll] == [0, 1, 2, 3, 4]
    assert all(len(poll) <= most for poll in polls)
    assert positions == [*(poll[-1] + 1 for poll in polls if poll), *([5] if not polls[-1] else [])]
