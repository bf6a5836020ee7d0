"""An offset is committable only when everything before it is written."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agents.consumer.offset_tracker import OffsetTracker
from tests.effort import examples


class Account(RuleBasedStateMachine):
    """Batches of one partition, with gaps between their offsets, acknowledged in any order, committed at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker: OffsetTracker[str] = OffsetTracker()
        self.next = 0
        self.unwritten: list[tuple[int, int]] = []
        self.committed = 0

    @rule(gap=st.integers(0, 3), size=st.integers(1, 5000))
    def deliver(self, gap: int, size: int) -> None:
        first = self.next + gap
        self.next = first + size
        self.unwritten.append((first, self.next - 1))
        self.tracker.add("p", self.next - 1)

    @rule(gap=st.integers(1, 3))
    def pass_markers(self, gap: int) -> None:
        """Reading goes past what is no record: it may be committed as soon as all before it may."""
        self.next += gap
        self.tracker.advance_position("p", self.next)
        if not self.unwritten:
            assert self.tracker.committable() == {"p": self.next}

    @precondition(lambda self: self.unwritten)
    @rule(data=st.data())
    def write(self, data: st.DataObject) -> None:
        first_last = data.draw(st.sampled_from(self.unwritten))
        self.unwritten.remove(first_last)
        assert self.tracker.ack("p", first_last[1])
        assert not self.tracker.ack("p", first_last[1]) or first_last[1] >= self.committed

    @rule()
    def commit(self) -> None:
        offsets = self.tracker.committable()
        self.committed = max(self.committed, offsets.get("p", 0))
        self.tracker.mark_committed(offsets)
        assert self.tracker.committable() == {}

    @rule()
    def seek(self) -> None:
        """A rebalance: unwritten batches come again from the committed offset on."""
        self.tracker.drop_all()
        stale, self.unwritten, self.next = self.unwritten, [], self.committed
        for _, last in stale:
            assert not self.tracker.ack("p", last)

    @invariant()
    def nothing_unwritten_is_committable(self) -> None:
        first_unwritten = min((first for first, _ in self.unwritten), default=self.next)
        assert self.tracker.committable().get("p", 0) <= first_unwritten


Account.TestCase.settings = settings(max_examples=examples(60), stateful_step_count=30)
TestAccount = Account.TestCase


def test_partitions_are_apart() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    tracker.add("a", 9)
    tracker.add("b", 4)
    assert tracker.ack("b", 4)
    assert tracker.committable() == {"b": 5}
    tracker.drop(["b"])
    assert tracker.committable() == {}
    assert tracker.ack("a", 9)
    assert tracker.committable() == {"a": 10}


def test_what_is_no_record_behind_a_batch_counts_as_written_with_it() -> None:
    """A partition that ends with a transaction's marker has no lag."""
    tracker: OffsetTracker[str] = OffsetTracker()
    tracker.add("a", 9)
    tracker.advance_position("a", 12)
    assert tracker.committable() == {}
    tracker.ack("a", 9)
    assert tracker.committable() == {"a": 12}


def test_an_offset_that_kafka_did_not_take_is_offered_again() -> None:
    tracker: OffsetTracker[str] = OffsetTracker()
    tracker.add("a", 9)
    tracker.ack("a", 9)
    offered = tracker.committable()
    tracker.add("a", 19)
    tracker.ack("a", 19)
    tracker.mark_committed(offered)
    assert tracker.committable() == {"a": 20}
