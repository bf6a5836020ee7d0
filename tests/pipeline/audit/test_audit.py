"""The audit finds what differs, all of it and nothing else, whatever the tables hold and while they are written."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.audit.audit import MAX_CONFIRMATIONS, Counts
from pipeline.audit.finding import Difference, Kind
from pipeline.config.retention import Retention
from pipeline.fold.fold import fold
from pipeline.runtime.clock import now_ms
from pipeline.store.archive import write
from pipeline.store.connection.client import ClickHouse
from pipeline.store.erasures import announce, register_erased_events
from pipeline.store.scope import Scope
from schemas.conversation import Conversation
from schemas.erasure import ErasedEvent, Erasure, digest, event_digest
from schemas.lex.log_entry import bot_id
from schemas.turn import Turn
from tests.effort import IN_SEARCH, OF_ENGINE, examples
from tests.events import RULES, START, turn, turns
from tests.pipeline.audit.tables import Tables, archived, fold_and_write

DAY = 86_400_000
TALK = [turn(timestamp=START + 1000 * n, request_id=f"request-{n}") for n in range(4)]
RIGHT = fold(TALK, RULES)
KEY = TALK[0].key


def changed(**columns: object) -> Conversation:
    return msgspec.structs.replace(RIGHT, **columns)


def test_what_workers_write_never_differs(tables: Tables) -> None:
    """Late first events, duplicates and batches of one: the audit must not cry over what is right."""
    tables.fold(TALK[2:], TALK[1:3], TALK[:1], TALK)
    assert tables.audit() == []


@settings(
    max_examples=examples(10, OF_ENGINE), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(turns(), max_size=5), max_size=5), st.integers(1, 4))
def test_no_batches_of_a_worker_differ(tables: Tables, batches: list[list[Turn]], size: int) -> None:
    tables.empty()
    tables.fold(*batches)
    assert tables.audit(size=size) == []


@pytest.mark.parametrize(
    ("rows", "kind", "start"),
    [
        ([], Kind.MISSING, START),
        ([changed(is_deleted=1)], Kind.MISSING, START),
        ([RIGHT, changed(is_deleted=1, version=9)], Kind.MISSING, START),
        ([changed(turns=3)], Kind.WRONG, START),
        ([RIGHT, changed(end_state="Success", version=9)], Kind.WRONG, START),
        ([RIGHT, changed(start=START + 1000, version=9, is_deleted=1)], Kind.AHEAD, START + 1000),
        ([RIGHT, changed(start=START + 1000)], Kind.OUTDATED, START + 1000),
        ([RIGHT, changed(start=START - 40 * DAY, version=9)], Kind.OUTDATED, START - 40 * DAY),
    ],
)
def test_each_difference_is_found(tables: Tables, rows: list[Conversation], kind: Kind, start: int) -> None:
    tables.put(events=TALK)
    for row in rows:
        tables.put(row)
    (found,) = tables.audit()
    assert (found.kind, found.start) == (kind, start)
    assert (found.bot_id, found.session_id, found.originating_request_id) == KEY


def test_a_wrong_row_is_reported_column_by_column(tables: Tables) -> None:
    tables.put(changed(turns=3, intents=("A", "B"), mode="Speech"), events=TALK)
    (found,) = tables.audit()
    columns = {"turns": (3, 4), "intents": (("A", "B"), ("BookHotel",)), "mode": ("Speech", "Text")}
    assert found == Difference(Kind.WRONG, *KEY, START, columns)


@IN_SEARCH
def test_rows_without_events_are_found_wherever_they_lie(tables: Tables) -> None:
    """Before, between and behind the conversations of the archive, and of a bot that it does not know."""
    talks = [turn(session_id=f"m{n}", originating_request_id=f"o{m}") for n in range(3) for m in range(3)]
    tables.fold(talks)
    places = [("", ""), ("a", "a"), ("m1", "o1x"), ("m1", ""), ("z", "z")]
    lost = [changed(session_id=session, originating_request_id=origin) for session, origin in places]
    tables.put(*lost, changed(bot_id="ANOTHERBOT"))
    for size in (1, 2, 4, 100):
        found = tables.audit(size=size)
        assert {difference.kind for difference in found} == {Kind.WITHOUT_EVENTS}
        assert {(f.bot_id, f.session_id, f.originating_request_id) for f in found} == {
            *((KEY[0], *place) for place in places),
            ("ANOTHERBOT", *KEY[1:]),
        }


def test_every_conversation_is_audited_once_however_the_scope_is_divided(tables: Tables) -> None:
    """One conversation of many events is never divided, or each part of it would differ."""
    long = [turn(session_id="s4", request_id=f"r{n}", timestamp=START + n) for n in range(50)]
    short = [turn(session_id=f"s{n}", request_id=f"r{n}") for n in range(9) if n != 4]
    tables.fold([*long, *short])
    counted: list[tuple[int, int]] = []

    async def count(clickhouse: ClickHouse, size: int) -> Counts:
        audit = tables.auditing(clickhouse, lambda: asyncio.sleep(0))
        seen: Callable[[Counts], None] = lambda now: counted.append((now.conversations, now.events))  # noqa: E731 - typed
        assert [found async for found in audit.findings(Scope(), seen, size)] == [[]]
        return audit.counts

    for size in (1, 7, 50, 1000):
        assert tables.use(lambda clickhouse, size=size: count(clickhouse, size)) == Counts(9, 58)  # type: ignore[misc]
    assert counted[-1] == (9, 58)
    assert len(counted) > 10


@pytest.mark.parametrize(
    ("scope", "found"),
    [
        (Scope("BOTAAAAAA1"), {"early", "late"}),
        (Scope(bot_id("Florist")), {"other"}),
        (Scope("NOSUCHBOT1"), set()),
        (Scope(since=START + 50 * DAY), {"late"}),
        (Scope(until=START), set()),
        (Scope(until=START + 1), {"early", "other"}),
        (Scope(since=START + 99 * DAY, until=START + 100 * DAY), set()),
        # it began before, and its last event is in time
        (Scope(since=START + 1 * DAY, until=START + 2 * DAY), {"early"}),
        # no event of it is in time, but the wrong row's start is
        (Scope(since=START + 300 * DAY), {"late"}),
    ],
)
def test_only_the_scope_is_compared(tables: Tables, scope: Scope, found: set[str]) -> None:
    """What is compared is compared whole, with the events that are out of time."""
    events = [
        turn(session_id="early"),
        turn(session_id="early", request_id="r2", timestamp=START + DAY),
        turn(session_id="late", timestamp=START + 100 * DAY),
        turn(session_id="other", bot_id=bot_id("Florist")),
    ]
    tables.put(events=events)
    tables.put(fold(events[2:3], RULES), changed(session_id="late", start=START + 300 * DAY))
    assert {difference.session_id for difference in tables.audit(scope, size=2)} == found


def test_a_conversation_that_is_being_written_is_no_difference(tables: Tables) -> None:
    """The row is there and the event is not yet: it comes before the second look."""
    tables.fold(TALK[:3])
    tables.put(RIGHT)

    async def write_events(clickhouse: ClickHouse) -> None:
        await write(clickhouse, [], archived(TALK))

    assert tables.audit(meanwhile=write_events) == []


def test_a_conversation_that_keeps_changing_is_counted_and_skipped(tables: Tables) -> None:
    tables.put(events=TALK)
    moments = iter(range(MAX_CONFIRMATIONS))

    async def write_on(clickhouse: ClickHouse) -> None:
        late = turn(session_id="session-1", request_id=f"more-{next(moments)}", timestamp=START + DAY)
        await write(clickhouse, [], archived([late]))

    async def count(clickhouse: ClickHouse) -> int:
        audit = tables.auditing(clickhouse, lambda: write_on(clickhouse))
        assert [found async for found in audit.findings(Scope(), lambda _: None)] == [[]]
        return audit.counts.unsettled

    assert tables.use(count) == 1


def test_a_difference_in_a_conversation_that_comes_to_rest_is_found(tables: Tables) -> None:
    tables.put(changed(turns=9, version=9), events=TALK)
    late = [turn(request_id=f"more-{n}", timestamp=START + DAY + n) for n in range(2)]

    async def write_twice(clickhouse: ClickHouse) -> None:
        if late:
            await fold_and_write(clickhouse, [late.pop()])

    (found,) = tables.audit(meanwhile=write_twice)
    assert (found.kind, found.columns["turns"]) == (Kind.WRONG, (9, 6))


def test_of_two_events_with_one_identity_the_first_counts(tables: Tables) -> None:
    """A sender that breaks the rule must not set archive and rows at odds: the archive has the first for good."""
    second = msgspec.structs.replace(TALK[3], intent_name="BookCar")
    tables.fold(TALK, [second])
    assert tables.audit() == []


def aged(days: float) -> list[Turn]:
    """The talk, begun so many days ago."""
    start = round(now_ms() - days * DAY)
    return [msgspec.structs.replace(one, timestamp=start + one.timestamp - START) for one in TALK]


@pytest.mark.parametrize(
    ("days", "lost", "kinds"),
    [
        (10, 0, [Kind.WRONG]),
        (10, 1, [Kind.MISSING, Kind.OUTDATED]),
        (27, 4, [Kind.WITHOUT_EVENTS]),
        (29, 0, []),  # near the end: the next look might find fewer events
        (29, 1, []),
        (29, 4, []),
        (90, 4, []),
    ],
)
def test_conversations_that_may_have_lost_events_are_skipped(
    tables: Tables, days: float, lost: int, kinds: list[Kind]
) -> None:
    """All that is known of their rows is that somebody has folded them once."""
    tables.retention = Retention(archive_days=30)
    events = aged(days)
    row = fold(events, RULES)
    tables.put(row if lost else msgspec.structs.replace(row, turns=9), events=events[lost:])
    assert [found.kind for found in tables.audit()] == kinds
    tables.retention = Retention(archive_days=30, archive_days_bots={KEY[0]: 0})
    assert tables.audit(), "of this bot events are kept for good"


@pytest.mark.parametrize("days", [400, 10])
def test_rows_that_have_expired_are_not_missed(tables: Tables, days: int) -> None:
    tables.retention = Retention(conversation_days=399)
    tables.put(events=aged(days))
    assert [found.kind for found in tables.audit()] == ([] if days > 399 else [Kind.MISSING])


GONE = TALK[:2]
"""Two of the four events are erased."""


def forget(tables: Tables, gone: Sequence[Turn] = GONE, until: int = TALK[-1].timestamp) -> None:
    async def use(clickhouse: ClickHouse) -> None:
        session = digest(KEY[1])
        await announce(clickhouse, [Erasure("", session, until)])
        await register_erased_events(clickhouse, {ErasedEvent(session, event_digest(one)) for one in gone})

    tables.use(use)


@pytest.mark.parametrize(
    ("rows", "events"),
    [
        ([RIGHT], TALK),
        ([fold(TALK[2:], RULES)], TALK),
        ([], TALK[:1]),
        ([RIGHT], []),
        ([RIGHT], TALK[2:]),
    ],
)
def test_data_of_an_erased_session_is_found_and_reported_without_its_id(
    tables: Tables, rows: list[Conversation], events: list[Turn]
) -> None:
    """As left by a worker that died between its write and its read of the writer state."""
    tables.put(*rows, events=events)
    forget(tables)
    (found,) = tables.audit()
    assert (found.kind, found.bot_id, found.start) == (Kind.ERASED, KEY[0], START)
    assert KEY[1] not in repr(found)
    assert digest(KEY[1]) in found.session_id
    differences, left = tables.repair()
    assert (len(differences), left) == (1, 0)
    kept = [one for one in events if one not in GONE]
    assert tables.rows() == ([fold(kept, RULES)] if kept else [])
    assert tables.events() == kept
    assert tables.audit() == []


def test_erased_data_is_found_even_if_it_may_have_expired(tables: Tables) -> None:
    tables.retention = Retention(archive_days=30)
    tables.put(RIGHT)
    assert tables.audit() == []
    forget(tables)
    assert [found.kind for found in tables.audit()] == [Kind.ERASED]


def test_sessions_that_came_back_are_as_all_others(tables: Tables) -> None:
    forget(tables, [])
    tables.fold(TALK)
    assert tables.audit() == []
    tables.put(changed(turns=9))
    assert [found.kind for found in tables.audit()] == [Kind.WRONG]


def test_a_row_of_a_session_that_came_back_may_outlive_its_events(tables: Tables) -> None:
    tables.retention = Retention(archive_days=30)
    before = msgspec.structs.replace(TALK[0], timestamp=START - 1000)
    forget(tables, [before], START - 1)
    tables.put(RIGHT)
    assert tables.audit() == []
