"""Seeks in aiokafka's own subscription state: only partitions that are ours, and only from where they still are."""

import asyncio
from typing import Any

import pytest
from aiokafka.consumer.subscription_state import SubscriptionState
from aiokafka.structs import OffsetAndMetadata, TopicPartition

from agents.consumer.positions import SeekResult, commit_of, reset_to_beginning, seek_to_beginning, seek_to_committed

OURS, OTHER = TopicPartition("turns", 0), TopicPartition("turns", 1)
BEGINNING = 5


class BrokerlessConsumer:
    """aiokafka's consumer as far as it needs no broker: its subscription state is real, its partitions begin at 5."""

    def __init__(self, committed: OffsetAndMetadata | None = None) -> None:
        self._committed = committed
        self._coordinator = self
        self._subscription = SubscriptionState()
        self._subscription.assign_from_user({OURS})

    def assignment(self) -> set[TopicPartition]:
        return {OURS}

    async def fetch_committed_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, Any]:
        return dict.fromkeys(partitions, self._committed)

    async def beginning_offsets(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(partitions, BEGINNING)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self._subscription.seek(partition, offset)

    def position(self, partition: TopicPartition) -> int | None:
        state: Any = self._subscription.subscription.assignment.state_value(partition)
        return state.position if state.has_valid_position else None


async def reset(position: int | None, expected: int | None, partition: TopicPartition = OURS) -> tuple[Any, Any]:
    """Reset a partition that is expected to be at `expected`; return the answer and the position of ours."""
    consumer = BrokerlessConsumer()
    if position is not None:
        consumer.seek(OURS, position)
    return await reset_to_beginning(consumer, partition, expected), consumer.position(OURS)


@pytest.mark.parametrize(
    ("position", "expected", "result"),
    [
        (9, 9, (BEGINNING, BEGINNING)),
        (None, None, (BEGINNING, BEGINNING)),
        (None, 9, (BEGINNING, BEGINNING)),
        (7, 9, (None, 7)),
        (7, None, (None, 7)),
    ],
)
def test_a_partition_is_reset_unless_it_is_read_from_elsewhere_by_now(
    position: int | None, expected: int | None, result: tuple[int | None, int | None]
) -> None:
    assert asyncio.run(reset(position, expected)) == result


def test_a_partition_that_is_not_ours_is_left_alone() -> None:
    assert asyncio.run(reset(9, 9, OTHER)) == (None, 9)


def test_seeking_to_the_beginning_returns_the_first_offsets() -> None:
    async def seek() -> tuple[Any, Any]:
        consumer = BrokerlessConsumer()
        return await seek_to_beginning(consumer, [OURS]), consumer.position(OURS)

    assert asyncio.run(seek()) == ({OURS: BEGINNING}, BEGINNING)


def test_a_commit_names_the_topic_by_its_id_where_that_is_known() -> None:
    assert commit_of(7, "ab12") == OffsetAndMetadata(7, "turnfold-topic:ab12")
    assert commit_of(7, "") == OffsetAndMetadata(7, "")


@pytest.mark.parametrize(
    ("committed", "id_now", "id_before", "position", "recreated"),
    [
        (commit_of(9, "aa"), "aa", "", 9, set()),
        (commit_of(9, "aa"), "bb", "", BEGINNING, {"turns"}),
        (commit_of(9, ""), "bb", "aa", 9, set()),
        (commit_of(9, "aa"), "", "", 9, set()),
        (OffsetAndMetadata(9, "somebody's"), "bb", "", 9, set()),
        (OffsetAndMetadata(0, ""), "bb", "", 0, set()),
        (OffsetAndMetadata(-1, ""), "bb", "", BEGINNING, set()),
        (OffsetAndMetadata(-1, ""), "bb", "bb", BEGINNING, set()),
        (OffsetAndMetadata(-1, ""), "bb", "aa", BEGINNING, {"turns"}),
    ],
)
def test_a_commit_holds_for_the_topic_that_it_was_made_for(
    committed: OffsetAndMetadata, id_now: str, id_before: str, position: int, recreated: set[str]
) -> None:
    ids, before = ({OURS.topic: topic_id} if topic_id else {} for topic_id in (id_now, id_before))

    async def seek() -> tuple[SeekResult, int | None]:
        consumer = BrokerlessConsumer(committed)
        return await seek_to_committed(consumer, ids, before), consumer.position(OURS)

    result, sought = asyncio.run(seek())
    assert sought == position
    assert result.recreated == recreated
