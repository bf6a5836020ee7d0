import asyncio
import random
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.query.analytics.context import QueryContext
from pipeline.query.analytics.filters import SESSION_FILTERS
from pipeline.query.analytics.time_range import TimeRange
from pipeline.query.errors import InvalidQueryError, PreconditionError
from pipeline.query.list_sessions.handler import SessionLists, read_query
from pipeline.query.list_sessions.page_spans import PageSpans
from pipeline.query.list_sessions.sql import Cursor, SessionQuery, start_bounds
from pipeline.store.connection.client import ClickHouse
from schemas.conversation import Conversation
from schemas.lex.analytics.list_sessions import (
    InvokedIntentSample,
    ListSessionAnalyticsDataRequest,
    SessionSpecification,
)
from tests.effort import IN_SEARCH, OF_ENGINE, examples, sweep
from tests.pipeline.query.get_session.test_archive import Counting
from tests.pipeline.query.rows import (
    BOT,
    FIELDS,
    IDLE_TTL,
    NOW,
    OTHER_BOT,
    SORTS,
    conversation,
    conversations,
    end_state,
    fits,
    ordered,
)
from tests.pipeline.query.table import TOKENS, Table, identities

EVERYTHING = {"maxResults": 1000}
GENERATE = """
INSERT INTO conversations (bot_id, start, session_id, originating_request_id, end, version)
SELECT {bot:String}, fromUnixTimestamp64Milli({now:Int64} - 1 - intDiv(number * 400000000, {count:Int64}), 'UTC') AS at,
       toString(number), toString(number), at, 1
FROM numbers({count:UInt64})
"""
DEFAULT = ("ConversationStartTime", "Descending")
TEXTS = (
    *("'", "''", "\\", "\\'", '"', "`", "[", "]", ",", "['a']", "x') OR 1=1 --", "{bot_id:String}"),
    *("\t", "\n", "\r", "\r\n", "\0", "a\0b", "\b", "\x7f", "\ufeff", "\u2028", " ", "é", "😀"),
    *("\\N", "NULL", "%27", "&param_bot_id=x", "+"),
)
HOUR = 3_600_000


def filtered(name: str, operator: str, *values: str) -> dict[str, Any]:
    return {"name": name, "operator": operator, "values": values}


def cases() -> list[tuple[str, str, list[str]]]:
    """Every filter with each of its operators and values that some rows, all or none have."""
    rows = conversations(300, seed=1)
    found = []
    for name, known in SESSION_FILTERS.items():
        if name == "Duration":
            texts = [["60"], ["0"], ["999999999999999"]]
        elif name == "ConversationEndState":
            texts = [["Success"], ["Dropped"], ["Failure", "Dropped"], ["Fail", "Drop"], ["s", ""], [""]]
        elif name == "IntentPathStart":
            texts = [["/BookHotel"], ["/BookCar/BookHotel", "/FallbackIntent"], ["/Book"], ["BookHotel"], [""]]
        elif name == "UtteranceText":
            texts = [["no"], ["a car", "room"], ["none of them"], ["a", "no"], [""]]
        else:
            values = sorted({getattr(row, FIELDS[name]) for row in rows})
            texts = [[values[-1]], values[:5], [values[0], "none of them"], [""]]
        for operator in known.sql:
            found += [(name, operator.value, text) for text in texts]
    return [*found, ("Duration", "EQ", ["60", "0", "30 sec"])]


def test_every_filter_answers_what_its_operator_means(table: Table) -> None:
    rows = [row for row in conversations(300, seed=1) if row.bot_id == BOT]
    table.insert(*conversations(300, seed=1))
    asked = cases()
    answers = table.pages(*({**EVERYTHING, "filters": [filtered(name, op, *values)]} for name, op, values in asked))
    matched = 0
    for (name, operator, values), answer in zip(asked, answers, strict=True):
        seconds = [value.removesuffix(" sec") for value in values]
        wanted = [row for row in rows if fits(row, name, operator, seconds)]
        assert identities(answer.sessions) == ordered(wanted, *DEFAULT), (name, operator, values)
        matched += bool(wanted)
    assert matched > len(asked) / 2


def test_what_was_said_is_looked_for_only_where_all_rows_have_it(table: Table) -> None:
    table.insert(conversation(fold=0, session_id="older"))
    assert table.pages(EVERYTHING)[0].sessions
    with pytest.raises(PreconditionError, match="turnfold rebuild --into new --swap"):
        table.pages({**EVERYTHING, "filters": [filtered("UtteranceText", "CO", "no")]})


def test_filters_hold_together(table: Table) -> None:
    rows = [row for row in conversations(300, seed=2) if row.bot_id == BOT]
    table.insert(*conversations(300, seed=2))
    asked = [
        ("LocaleId", "EQ", ["en_US", "en_GB"]),
        ("Duration", "GT", ["10"]),
        ("Duration", "LT", ["600"]),
        ("ConversationEndState", "CO", ["Dropp", "Succ"]),
        ("UtteranceText", "CO", ["room", "car"]),
    ]
    wanted = [row for row in rows if all(fits(row, *each) for each in asked)]
    (answer,) = table.pages({**EVERYTHING, "filters": [filtered(name, op, *values) for name, op, values in asked]})
    assert wanted
    assert identities(answer.sessions) == ordered(wanted, *DEFAULT)


@pytest.mark.search
@pytest.mark.parametrize("name", SORTS)
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_of_any_size_hold_each_session_once_and_in_order(table: Table, name: str, order: str) -> None:
    """Rows of the same sort value, start or session lie on both sides of a page's end."""
    rows = conversations(examples(60), seed=3)
    table.insert(*rows)
    for bot in (BOT, OTHER_BOT):
        wanted = ordered([row for row in rows if row.bot_id == bot], name, order)
        for size in (1, 7, len(wanted) - 1, len(wanted), 1000):
            asked = {"sortBy": {"name": name, "order": order}, "maxResults": size}
            assert identities(table.listing(asked, bot)) == wanted


def test_the_default_is_ten_sessions_newest_first(table: Table) -> None:
    rows = [row for row in conversations(60, seed=4) if row.bot_id == BOT]
    table.insert(*rows)
    (first,) = table.pages({})
    assert identities(first.sessions) == ordered(rows, *DEFAULT)[:10]
    assert first.bot_id == BOT
    assert identities(table.listing({})) == ordered(rows, *DEFAULT)


def test_every_field_of_a_session(table: Table) -> None:
    row = conversation(start=NOW - 90_001, end=NOW - 1, duration_seconds=90, intents=("B", "A"), bot_version="12")
    table.insert(row)
    (answer,) = table.pages({})
    assert answer.sessions == (
        SessionSpecification(
            bot_alias_id="TSTALIASID",
            bot_version="12",
            locale_id="en_US",
            session_id="session-0",
            conversation_start_time=(NOW - 90_001) / 1000,
            conversation_end_time=(NOW - 1) / 1000,
            conversation_duration_seconds=90,
            number_of_turns=3,
            invoked_intent_samples=(InvokedIntentSample("B"), InvokedIntentSample("A")),
            originating_request_id="request-0",
            channel="Slack",
            conversation_end_state="Success",
            mode="Text",
        ),
    )
    assert answer.next_token is msgspec.UNSET


def test_what_a_session_lacks_is_left_out(table: Table) -> None:
    table.insert(conversation(channel="", mode="", end_state="", end=NOW, intents=(), turns=0))
    (answer,) = table.pages({})
    (session,) = msgspec.to_builtins(answer.sessions)
    assert {"channel", "mode", "conversationEndState"}.isdisjoint(session)
    assert session["numberOfTurns"] == 0
    assert session["invokedIntentSamples"] == ()


def test_a_bot_without_sessions_has_an_empty_list(table: Table) -> None:
    (answer,) = table.pages({}, bot="NOSUCHBOT0")
    assert msgspec.to_builtins(answer) == {"botId": "NOSUCHBOT0", "sessions": ()}


def test_a_row_written_again_shows_once_and_in_its_last_version(table: Table) -> None:
    """Each version is a part of its own, unmerged; a filter on the old version's value must not find it."""
    table.insert(conversation(end_state="", locale_id="en_GB", turns=1, duration_seconds=5, version=1))
    table.insert(conversation(version=3))
    table.insert(conversation(version=3))
    table.insert(conversation(end_state="Failure", locale_id="de_DE", version=2))
    assert identities(table.listing({})) == [("session-0", "request-0")]
    answers = table.pages(
        {"filters": [filtered("LocaleId", "EQ", "en_GB")]},
        {"filters": [filtered("LocaleId", "EQ", "de_DE")]},
        {"filters": [filtered("Duration", "LT", "6")]},
        {"filters": [filtered("ConversationEndState", "EQ", "Failure", "Dropped")]},
        {"filters": [filtered("SessionId", "EQ", "session-0"), filtered("LocaleId", "EQ", "en_GB")]},
    )
    assert [answer.sessions for answer in answers] == [()] * 5


def test_a_row_whose_start_moved_shows_at_its_new_start_only(table: Table) -> None:
    old, new = conversation(version=2), conversation(version=3, start=NOW - 7_200_000, turns=4)
    table.insert(old)
    table.insert(new, msgspec.structs.replace(old, version=3, is_deleted=1))
    (session,) = table.listing({})
    assert session.conversation_start_time * 1000 == new.start
    assert table.listing({"startDateTime": NOW // 1000 - 3_700}) == []


def test_a_row_that_moved_over_the_end_of_a_month_shows_once(table: Table) -> None:
    """The two rows lie in different partitions."""
    old = conversation(start=1_767_225_600_500, version=2)  # half a second into 2026
    new = msgspec.structs.replace(old, start=1_767_225_599_500, version=3)
    table.insert(old)
    table.insert(new, msgspec.structs.replace(old, version=3, is_deleted=1))
    (session,) = table.listing({})
    assert session.conversation_start_time == 1_767_225_599.5


def written_again(rows: Sequence[Conversation], share: float, version: int, seed: int) -> list[Conversation]:
    """A later version of some rows: with other values, or taken back."""
    rng = random.Random(seed)  # noqa: S311 -- test data
    return [
        msgspec.structs.replace(
            row,
            version=version,
            turns=rng.randrange(5),
            duration_seconds=rng.choice((0, 30, 60)),
            locale_id=rng.choice(("en_US", "en_GB", "de_DE")),
            is_deleted=rng.random() < 0.1,
        )
        for row in rows
        if rng.random() < share
    ]


@pytest.mark.search
@pytest.mark.parametrize("name", SORTS)
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_hold_the_last_version_of_each_row_however_many_there_are(table: Table, name: str, order: str) -> None:
    """Most of what is stored was replaced, and much of that would come before what replaced it."""
    stored: dict[tuple[str, str], Conversation] = {}
    rows = [row for row in conversations(examples(80), seed=8) if row.bot_id == BOT]
    for version, share in ((3, 1.0), (4, 0.9), (5, 0.8), (6, 0.7)):
        rows = written_again(rows, share, version, seed=version)
        table.insert(*rows)
        stored |= {(row.session_id, row.originating_request_id): row for row in rows}
    there = [row for row in stored.values() if not row.is_deleted]
    sort = {"sortBy": {"name": name, "order": order}}
    for size in (3, 1000):
        assert identities(table.listing({**sort, "maxResults": size})) == ordered(there, name, order)
    for kept in (("LocaleId", "EQ", ["de_DE"]), ("Duration", "LT", ["30"])):
        wanted = ordered([row for row in there if fits(row, *kept)], name, order)
        asked = {**sort, "maxResults": 3, "filters": [filtered(kept[0], kept[1], *kept[2])]}
        assert identities(table.listing(asked)) == wanted


def test_rows_that_only_replaced_versions_stand_before_are_found(table: Table) -> None:
    """All that is looked at first was replaced: then all that the window holds is looked at."""
    old = [conversation(n, start=NOW - 1_000_000 - n, locale_id="de_DE", turns=9) for n in range(200)]
    table.insert(*old)
    table.insert(*(msgspec.structs.replace(row, locale_id="en_US", turns=1, version=9) for row in old[:-3]))
    for sort in SORTS:
        asked = {"maxResults": 2, "filters": [filtered("LocaleId", "EQ", "de_DE")]}
        found = table.listing({**asked, "sortBy": {"name": sort, "order": "Descending"}})
        assert identities(found) == ordered(old[-3:], sort, "Descending")


def test_a_page_costs_what_it_holds_not_what_the_window_does(table: Table) -> None:
    """By ClickHouse's count of the rows it read, with the window ten times as full."""

    async def costs(clickhouse: ClickHouse) -> list[int]:
        read = []
        for count in (40_000, 400_000):
            await clickhouse.command("TRUNCATE TABLE conversations")
            await clickhouse.command(GENERATE, {"bot": BOT, "now": NOW, "count": count})
            store = Counting(clickhouse)
            page = await table.page(store, BOT, {"endDateTime": NOW // 1000})  # type: ignore[arg-type]  # rows only
            assert len(page.sessions) == 10
            read.append(store.read)
        return read

    few, many = table.use(costs)
    assert many < few + 8192  # one block of a part at most


class Guessed(PageSpans):
    """Takes each page to reach so many milliseconds."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self._reach = reach

    def likely(self, question: SessionQuery, last: Cursor | None, limit: int) -> TimeRange:  # noqa: ARG002 - whatever is asked
        after, before = (whole := start_bounds(question, last)).after, whole.before
        if question.descending:
            return TimeRange(max(after, before - self._reach), before)
        return TimeRange(after, min(before, after + self._reach))


@pytest.mark.search
@pytest.mark.parametrize("reach", sweep([1, 60_000, 3_600_000, 40_000_000, 4_000_000_000]))
@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_pages_are_the_same_wherever_they_are_looked_for_first(table: Table, order: str, reach: int) -> None:
    rows = conversations(examples(120), seed=10)
    table.insert(*rows)
    table.insert(*written_again(rows, 0.5, version=9, seed=11))
    wanted = table.listing({"maxResults": 1000, "sortBy": {"name": "ConversationStartTime", "order": order}})
    table.page_spans = Guessed(reach)
    kept = {"filters": [filtered("LocaleId", "EQ", "en_US", "en_GB")]}
    for size in (2, 9):
        asked = {"maxResults": size, "sortBy": {"name": "ConversationStartTime", "order": order}}
        assert table.listing(asked) == wanted
        assert table.listing(asked | kept) == [row for row in wanted if row.locale_id in {"en_US", "en_GB"}]


@IN_SEARCH
def test_the_next_page_of_a_kind_costs_less_than_the_first(table: Table) -> None:
    async def costs(clickhouse: ClickHouse) -> list[int]:
        for _ in range(4):
            await clickhouse.command(GENERATE, {"bot": BOT, "now": NOW, "count": 400_000})
        read = []
        for _ in range(2):
            store = Counting(clickhouse)
            page = await table.page(store, BOT, {"endDateTime": NOW // 1000})  # type: ignore[arg-type]  # rows only
            assert len(page.sessions) == 10
            read.append(store.read)
        return read

    first, second = table.use(costs)
    assert second <= first / 2


@pytest.mark.search
def test_a_row_whose_start_moves_while_lists_are_read_is_in_each_of_them(table: Table) -> None:
    """Candidates and page must be of one instant: else it is at neither of its places."""
    asked = {"maxResults": 1000, "sortBy": {"name": "NumberOfTurns", "order": "Descending"}}
    row, lists = conversation(turns=9), examples(60)

    async def read_while_moving(clickhouse: ClickHouse) -> list[int]:
        await clickhouse.insert("conversations", [row, *map(conversation, range(1, 20))])
        done = asyncio.Event()

        async def move() -> None:
            before = row
            while not done.is_set():
                after = msgspec.structs.replace(before, start=before.start - 1, version=before.version + 1)
                taken_back = msgspec.structs.replace(before, version=after.version, is_deleted=1)
                await clickhouse.insert("conversations", [after, taken_back])
                before = after

        moving = asyncio.create_task(move())
        found = [len((await table.page(clickhouse, BOT, asked)).sessions) for _ in range(lists)]
        done.set()
        await moving
        return found

    assert table.use(read_while_moving) == [20] * lists


def test_both_bounds_of_a_window_are_outside_of_it(table: Table) -> None:
    start, end = 1_770_000_000_123, 1_770_000_060_456
    table.insert(conversation(start=start, end=end))
    inside = Decimal("0.000000001")
    first, last = Decimal(start) / 1000, Decimal(end) / 1000
    windows = [
        (first, last + 1),
        (first - 1, last),
        (first - inside, last),
        (first, last + inside),
        (first + inside, last + 1),
        (first - inside, last + inside),
        (first - 1, last + 1),
    ]
    answers = table.pages(*({"startDateTime": lo, "endDateTime": hi} for lo, hi in windows))
    assert [len(answer.sessions) for answer in answers] == [0, 0, 0, 0, 0, 1, 1]


def test_the_widest_window_holds_every_time_a_row_can_have(table: Table) -> None:
    edges = [-2_208_988_800_000, -1, 0, NOW, 10_413_791_999_999]  # the years 1900 to 2299
    table.insert(*(conversation(n, start=start, end=start) for n, start in enumerate(edges)))
    window = {"startDateTime": "0001-01-01T00:00:00Z", "endDateTime": "9999-12-31T23:59:59.999Z"}
    assert len(table.listing(window)) == len(edges)


@pytest.mark.search
def test_windows_hold_what_began_after_and_ended_before(table: Table) -> None:
    rows = [row for row in conversations(300, seed=5) if row.bot_id == BOT]
    table.insert(*rows)
    edges = sorted({edge for row in rows for edge in (row.start, row.end)})
    instants = st.builds(lambda edge, near: edge + near, st.sampled_from(edges), st.integers(-2, 2))

    @given(instants, instants)
    @settings(max_examples=examples(12, OF_ENGINE), deadline=None)
    def holds(one: int, two: int) -> None:
        lo, hi = min(one, two), max(one, two) + 1
        window = {"startDateTime": Decimal(lo) / 1000, "endDateTime": Decimal(hi) / 1000}
        (answer,) = table.pages({**EVERYTHING, **window})
        wanted = [row for row in rows if row.start > lo and row.end < hi]
        assert identities(answer.sessions) == ordered(wanted, *DEFAULT)

    holds()


def test_an_open_conversation_is_dropped_once_its_idle_time_has_passed(table: Table) -> None:
    idle = int(IDLE_TTL * 1000)
    table.insert(*(conversation(n, end=NOW - idle + n - 1, end_state="") for n in range(3)))
    states = {session.session_id: session.conversation_end_state for session in table.listing({})}
    assert states == {"session-0": "Dropped", "session-1": msgspec.UNSET, "session-2": msgspec.UNSET}
    (answer,) = table.pages({"filters": [filtered("ConversationEndState", "EQ", "Dropped")]})
    assert identities(answer.sessions) == [("session-0", "request-0")]


def test_a_conversation_that_ended_is_never_dropped(table: Table) -> None:
    rows = [row for row in conversations(100, seed=6) if row.bot_id == BOT]
    table.insert(*rows)
    states = {session.originating_request_id: session.conversation_end_state for session in table.listing({})}
    assert states == {row.originating_request_id: end_state(row) or msgspec.UNSET for row in rows}


def test_all_pages_of_a_listing_see_the_clock_of_the_first(table: Table) -> None:
    """Or a conversation that becomes Dropped between two pages would come into or fall out of the list."""
    idle = int(IDLE_TTL * 1000)
    table.insert(*(conversation(n, start=NOW - 3_600_000 - n, end=NOW, end_state="") for n in range(3)))
    asked = {"maxResults": 1}
    (first,) = table.pages(asked)
    table.now = NOW + idle + 1
    (second,) = table.pages({**asked, "nextToken": first.next_token})
    assert second.sessions[0].conversation_end_state is msgspec.UNSET
    (anew,) = table.pages(asked)
    assert anew.sessions[0].conversation_end_state == "Dropped"


def test_a_listing_continues_at_its_cursor_when_rows_change(table: Table) -> None:
    rows = [conversation(n, start=NOW - 1_000_000 - n * 1_000) for n in range(6)]
    table.insert(*rows)
    asked = {"maxResults": 3}
    (first,) = table.pages(asked)
    table.insert(conversation(99, start=NOW - 5), msgspec.structs.replace(rows[2], is_deleted=1, version=9))
    (second,) = table.pages({**asked, "nextToken": first.next_token})
    assert identities(second.sessions) == [(row.session_id, row.originating_request_id) for row in rows[3:]]
    assert second.next_token is msgspec.UNSET


@pytest.mark.parametrize(
    "other",
    [
        {"startDateTime": 1},
        {"endDateTime": 3_999_999_999},
        {"sortBy": {"name": "Duration", "order": "Descending"}},
        {"sortBy": {"name": "ConversationStartTime", "order": "Ascending"}},
        {"filters": [filtered("LocaleId", "EQ", "en_US")]},
    ],
)
def test_a_token_is_of_its_query_only(table: Table, other: dict[str, Any]) -> None:
    table.insert(conversation(1), conversation(2))
    (first,) = table.pages({"maxResults": 1})
    with pytest.raises(InvalidQueryError, match="belongs to another query"):
        table.pages({"maxResults": 1, "nextToken": first.next_token, **other})


def test_a_token_is_of_its_bot_only(table: Table) -> None:
    table.insert(conversation(1), conversation(2))
    (first,) = table.pages({"maxResults": 1})
    with pytest.raises(InvalidQueryError, match="belongs to another query"):
        table.pages({"maxResults": 1, "nextToken": first.next_token}, bot=OTHER_BOT)


def test_the_page_size_may_change_from_page_to_page_and_the_default_order_be_named(table: Table) -> None:
    rows = [conversation(n, start=NOW - 1_000_000 - n) for n in range(5)]
    table.insert(*rows)
    (first,) = table.pages({"maxResults": 1})
    named = {"name": "ConversationStartTime", "order": "Descending"}
    (rest,) = table.pages({"maxResults": 1000, "nextToken": first.next_token, "sortBy": named})
    assert identities(first.sessions) + identities(rest.sessions) == ordered(rows, *DEFAULT)


@pytest.mark.search
def test_any_text_finds_exactly_itself(table: Table) -> None:
    """Quotes, backslashes, brackets, tabs, line ends and NUL in a value are text and nothing else."""
    table.insert(*(conversation(n, session_id=text) for n, text in enumerate(TEXTS)))

    def finds(*texts: str) -> None:
        answers = table.pages(*({"filters": [filtered("SessionId", "EQ", text)]} for text in texts))
        found = [[session.session_id for session in answer.sessions] for answer in answers]
        assert found == [[text] * (text in TEXTS) for text in texts]

    @given(st.lists(st.text(min_size=1), min_size=1, max_size=20))
    @settings(max_examples=examples(12, OF_ENGINE), deadline=None)
    def finds_any(texts: list[str]) -> None:
        finds(*texts)

    finds(*TEXTS)
    finds_any()


def test_pages_continue_after_any_text(table: Table) -> None:
    """The token carries the last row's session id, whatever it is made of."""
    table.insert(*(conversation(n, session_id=text) for n, text in enumerate(TEXTS)))
    found = [session.session_id for session in table.listing({"maxResults": 1})]
    assert found == sorted(TEXTS, key=str.encode, reverse=True)


class EmptyStore:
    """A store without rows, and the settings of its statements."""

    def __init__(self) -> None:
        self.seen: list[tuple[bool, bool]] = []
        """Whether a statement looks for candidates, and whether it has one thread."""

    async def rows(
        self,
        statement: str,
        parameters: Mapping[str, object] | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> Sequence[Any]:
        """As ClickHouse.rows."""
        assert parameters
        looks = "candidates" in statement
        self.seen.append((looks, (settings or {}).get("max_threads") == 1))
        return [(1_000_000, [])] if looks else []


DAY = 86_400_000
LOCALE = [{"name": "LocaleId", "operator": "EQ", "values": ["en_US"]}]


@pytest.mark.parametrize(
    ("days", "apart", "asked", "statements"),
    [
        (1, None, {}, [(False, False)]),
        (30, None, {}, [(True, True), (True, True), (False, False)]),
        (30, None, {"maxResults": 100}, [(True, True), (True, False), (False, False)]),
        (30, None, {"filters": LOCALE}, [(True, False), (True, False), (False, False)]),
        # what is known of the bot: a row an hour, ten rows a second
        (1, HOUR, {}, [(False, True)]),
        (1, HOUR, {"filters": LOCALE}, [(False, True)]),
        # it may have been busy before
        (30, HOUR, {}, [(True, True), (True, True), (False, False)]),
        (1, 100, {}, [(True, True), (True, True), (False, False)]),
    ],
)
def test_candidates_are_looked_for_among_many_rows_and_few_are_read_by_one_thread(
    days: int, apart: int | None, asked: dict[str, Any], statements: list[tuple[bool, bool]]
) -> None:
    store, spans = EmptyStore(), PageSpans()
    window = TimeRange(NOW - days * DAY, NOW)

    def request(**asked: Any) -> ListSessionAnalyticsDataRequest:
        times = {"startDateTime": window.after // 1000, "endDateTime": window.before // 1000}
        return msgspec.convert({**times, **asked}, ListSessionAnalyticsDataRequest)

    if apart:
        newest = [(NOW - number * apart,) for number in range(1, 12)]
        spans.learn(read_query(BOT, window, request()), None, newest, len(newest))
    lists = SessionLists(QueryContext(store, TOKENS, lambda: NOW, lambda _: IDLE_TTL, lambda _: True), spans)
    by_turns = {"sortBy": {"name": "NumberOfTurns", "order": "Descending"}, **asked}
    asyncio.run(lists.page(BOT, window, request(**by_turns)))
    assert store.seen == statements


def test_a_page_that_is_searched_where_it_is_likely_to_be_takes_one_thread() -> None:
    store, spans = EmptyStore(), PageSpans()
    window = TimeRange(NOW - 30 * DAY, NOW)
    times = {"startDateTime": window.after // 1000, "endDateTime": window.before // 1000}
    request = msgspec.convert(times, ListSessionAnalyticsDataRequest)
    spans.learn(read_query(BOT, window, request), None, [(NOW - number * 100,) for number in range(1, 12)], 11)
    lists = SessionLists(QueryContext(store, TOKENS, lambda: NOW, lambda _: IDLE_TTL, lambda _: True), spans)
    asyncio.run(lists.page(BOT, window, request))
    assert store.seen[0] == (False, True)
