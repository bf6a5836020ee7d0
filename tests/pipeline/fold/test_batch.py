"""Convergence: whatever the order, the batches, the crashes and the rivals, the tables end as the fold of the set."""

from collections import defaultdict

from hypothesis import event, given, settings
from hypothesis import strategies as st

from pipeline.fold.batch import fold_batch
from pipeline.fold.cache import ConversationCache, History
from schemas.conversation import Conversation
from schemas.turn import ConversationKey, Turn
from tests.effort import examples
from tests.events import RULES, START, slow_fold, turn, turns


class Tables:
    """What ReplacingMergeTree makes of inserts: the greatest version of a key wins, deleted rows do not show."""

    def __init__(self) -> None:
        self.rows: dict[tuple[object, ...], Conversation] = {}
        self.archive: dict[ConversationKey, set[Turn]] = defaultdict(set)

    def write_rows(self, rows: list[Conversation]) -> None:
        for row in rows:
            key = (row.bot_id, row.start, row.session_id, row.originating_request_id)
            if key not in self.rows or row.version >= self.rows[key].version:
                self.rows[key] = row

    def write_archive(self, events: list[Turn]) -> None:
        for new in events:
            self.archive[new.key].add(new)

    def answered(self) -> list[Conversation]:
        return sorted(
            (row for row in self.rows.values() if not row.is_deleted),
            key=lambda row: row.originating_request_id,
        )


class Worker:
    """A worker on one partition: reads from the committed offset on, in batches, and may die or freeze anywhere."""

    def __init__(self, tables: Tables, log: list[Turn], offset: int, memory_events: int) -> None:
        self.tables, self.log, self.offset = tables, log, offset
        self.memory = ConversationCache(memory_events)
        self.unwritten: tuple[list[Conversation], list[Turn]] | None = None

    def fold(self, size: int) -> None:
        """Everything up to the first insert."""
        batch = self.log[self.offset : self.offset + size]
        histories = {}
        for key in dict.fromkeys(one.key for one in batch):
            histories[key] = self.memory.take(key) or History(self.tables.archive[key])
        folded = fold_batch(histories, batch, RULES)
        self.unwritten = (folded.rows, [batch[place] for place in folded.new])
        for key, history in histories.items():
            self.memory.put(key, history)
        self.offset += len(batch)

    def write_rows(self) -> None:
        if self.unwritten:
            self.tables.write_rows(self.unwritten[0])

    def write_archive(self) -> None:
        if self.unwritten:
            self.tables.write_archive(self.unwritten[1])

    def write(self) -> None:
        """Both inserts, in their order."""
        self.write_rows()
        self.write_archive()

    def meet(self, fate: str) -> bool:
        """Go on, or get only so far; whether the worker lived to commit."""
        if fate in {"goes on", "forgets", "dies before the commit"}:
            self.write()
        elif fate == "dies after the rows":
            self.write_rows()
        if fate == "forgets":
            self.memory.clear()
        return fate in {"goes on", "forgets"}


FATES = [
    "goes on",
    "dies before the rows",
    "dies after the rows",
    "dies before the commit",
    "freezes",
    "a frozen one wakes",
    "forgets",
]


@settings(max_examples=examples(400))
@given(
    log=st.lists(turns(), max_size=20),
    steps=st.lists(st.tuples(st.sampled_from(FATES), st.integers(1, 5)), max_size=20),
    memory_events=st.integers(0, 30),
)
def test_crashes_zombies_and_small_memories_change_nothing(
    log: list[Turn], steps: list[tuple[str, int]], memory_events: int
) -> None:
    """Without running minima, rows of starts that a dead worker had written would show for ever."""
    tables, frozen, committed = Tables(), list[Worker](), 0
    worker = Worker(tables, log, committed, memory_events)
    for fate, size in steps:
        event(fate)
        if fate == "a frozen one wakes":
            for zombie in frozen[-1:]:
                zombie.write()
            continue
        worker.fold(size)
        if worker.meet(fate):
            committed = worker.offset
            continue
        frozen += [worker] if fate == "freezes" else []
        worker = Worker(tables, log, committed, memory_events)
    while worker.offset < len(log):
        worker.fold(3)
        worker.write()
    for zombie in frozen:
        zombie.write()
    assert tables.answered() == slow_fold(log)
    assert {one for events in tables.archive.values() for one in events} == {*log}


@given(log=st.lists(turns(), max_size=15), borders=st.lists(st.integers(1, 6), max_size=15), again=st.booleans())
def test_any_split_into_batches_gives_the_same_rows(log: list[Turn], borders: list[int], again: bool) -> None:  # noqa: FBT001 - drawn
    tables = Tables()
    worker = Worker(tables, log + log * again, 0, 100)
    for size in [*borders, *[4] * (2 * len(log))]:
        worker.fold(size)
        worker.write()
    assert tables.answered() == slow_fold(log)


def test_an_in_order_conversation_takes_nothing_back() -> None:
    """Deleted rows are for starts that moved: the common case must not pay for them."""
    history = {turn().key: History()}
    for n in range(5):
        folded = fold_batch(history, [turn(timestamp=START + n, request_id=str(n))], RULES)
        assert [row.is_deleted for row in folded.rows] == [0]
