from collections import Counter, defaultdict
from itertools import islice, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.fold_rules import fold_rules
from pipeline.config.settings import Settings
from pipeline.demo.traffic import DAYS, ENDED_MS, TimedInput, live_inputs, past_inputs
from pipeline.fold.fold import fold
from pipeline.ingest.decode import decode_entry
from pipeline.ingest.decoder import EventDecoder
from pipeline.ingest.routing import Destination, RoutedEntry, route, sort_record
from schemas.conversation import Conversation, EndState
from schemas.lex.log_entry import bot_id
from schemas.topics import DAY_MS
from tests.events import START

SETTINGS = Settings()


class Record:
    """A record of the raw topic."""

    topic, partition, offset = "raw", 0, 0

    def __init__(self, value: bytes | None) -> None:
        self.value = value


def rows(events: list[TimedInput]) -> list[Conversation]:
    """The conversations that a worker would make of `events`."""
    turns = defaultdict(list)
    for event in events:
        for found in sort_record(Record(event.raw), EventDecoder(10**7, 10**6), "test"):
            if isinstance(found, RoutedEntry):
                turn = decode_entry(found.raw, 10**6)
                turns[turn.key].append(turn)
    return [fold(some, fold_rules(SETTINGS)) for some in turns.values()]


def test_the_same_seed_and_time_give_the_same_traffic() -> None:
    assert past_inputs(7, START, 50) == past_inputs(7, START, 50)
    assert past_inputs(7, START, 50) != past_inputs(8, START, 50)
    assert list(islice(live_inputs(7, lambda: START), 50)) == list(islice(live_inputs(7, lambda: START), 50))


@given(st.integers(1, 3 * DAY_MS))
@settings(deadline=None)
def test_generated_again_later_the_past_is_the_same_and_longer(later: int) -> None:
    """A demo that is started every day must not tell another story of yesterday."""
    before, after = past_inputs(7, START, 30), set(past_inputs(7, START + later, 30))
    known_to_both = (START + later) // DAY_MS * DAY_MS - (DAYS - 1) * DAY_MS
    assert {event for event in before if event.due > known_to_both} <= after


@given(st.integers(0, DAY_MS))
@settings(deadline=None)
def test_everything_past_has_ended_and_is_not_older_than_a_week(moment: int) -> None:
    events = past_inputs(3, START + moment, 40)
    assert events == sorted(events)
    assert all(START + moment - (DAYS + 1) * DAY_MS < event.due < START + moment - ENDED_MS for event in events)


def test_the_past_has_something_of_everything() -> None:
    events = past_inputs(7, START, 600)
    found = rows(events)
    assert 500 < len(found) < 700
    assert {row.end_state for row in found} == {EndState.SUCCESS, EndState.FAILURE, EndState.OPEN}
    assert {row.bot_id for row in found} == {"TRAVELBOT1", "HARBORBANK", bot_id("CornerFlorist")}
    assert {row.mode for row in found} >= {"Text", "Speech", "MultiMode"}
    assert {row.channel for row in found} == {"", "Facebook", "Slack", "Connect", "Twilio"}
    assert {row.locale_id for row in found} >= {"en_US", "en_GB", "es_ES"}
    assert len({row.bot_version for row in found}) > 1
    assert any(len(row.intents) > 2 for row in found)
    assert Counter(row.session_id for row in found).most_common(1)[0][1] > 1, "nobody comes again"


def test_every_way_into_the_pipeline_is_taken_and_some_of_it_is_broken_inputs() -> None:
    ways = [route(event.raw, EventDecoder.of(SETTINGS)) for event in past_inputs(7, START, 600)]
    assert {way.destination for way in ways} == set(Destination)
    assert any(way.entries > 1 for way in ways), "no envelope"
    assert 0 < sum(way.dead for way in ways) < len(ways) / 20


def test_live_turns_are_in_order_of_their_time_and_several_conversations_overlap() -> None:
    events = list(islice(live_inputs(7, lambda: START), 400))
    assert all(one.due <= next_one.due for one, next_one in pairwise(events))
    found = sorted(rows(events), key=lambda row: row.start)
    assert any(next_one.start < one.end for one, next_one in pairwise(found))
    assert all(event.due >= START for event in events)


def test_after_a_pause_conversations_continue_without_catching_up() -> None:
    now = START
    stream = live_inputs(7, lambda: now)
    next(stream)
    now += DAY_MS
    assert all(event.due >= now for event in islice(stream, 100))
    assert next(stream).due < now + DAY_MS // 2
