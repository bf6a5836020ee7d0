"""Topics are configured under Kafka's names, and the header of forwarded records is parsed strictly."""

import pytest

from schemas.topics import FORWARDED, Topic, commit_metadata, committed_topic_id, times_forwarded


def topic(replication: int, min_insync: int) -> Topic:
    return Topic("turns", 4, replication, min_insync, -1, 1_000_000)


def test_a_replicated_topic_says_how_many_replicas_acknowledge() -> None:
    assert topic(3, 2).config() == {
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "max.message.bytes": "1000000",
        "min.insync.replicas": "2",
    }


def test_a_topic_of_one_replica_leaves_the_in_sync_minimum_to_the_broker() -> None:
    assert "min.insync.replicas" not in topic(1, 1).config()


@pytest.mark.parametrize(
    ("value", "times"),
    [(b"0", 0), (b"7", 7), (b"9999", 9999), (b"10000", 0), (b"", 0), (None, 0), (b"-1", 0), (b"x", 0), (b"1.0", 0)],
)
def test_a_forwarded_header_that_is_no_small_number_counts_as_none(value: bytes | None, times: int) -> None:
    assert times_forwarded([("other", b"3"), (FORWARDED, value)]) == times


def test_the_first_valid_forwarded_header_counts() -> None:
    assert times_forwarded([(FORWARDED, b"x"), (FORWARDED, b"2"), (FORWARDED, b"5")]) == 2
    assert times_forwarded([]) == 0


@pytest.mark.parametrize("topic_id", ["", "5f3a"])
def test_a_commit_says_which_topic_it_is_for(topic_id: str) -> None:
    assert committed_topic_id(commit_metadata(topic_id)) == topic_id
    assert committed_topic_id(f"of somebody else {topic_id}") == ""
