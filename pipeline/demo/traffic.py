"""Generate the demo's raw inputs: conversations of the past days, and live ones from now on."""

import heapq
from collections.abc import Iterator
from itertools import count as numbers
from random import Random

import msgspec

from pipeline.demo.bots import DemoBot, bank_bot, florist, travel_bot
from pipeline.demo.conversation import DemoConversation, make_conversation
from pipeline.demo.entries import broken_inputs, entry_v1, entry_v2, envelope
from pipeline.runtime.clock import Now
from schemas.topics import DAY_MS

DAYS = 7
"""Days of past conversations."""
WEEKDAYS = (1.15, 1.1, 1.1, 1.05, 1.2, 0.8, 0.6)
"""Traffic of the days from Monday to Sunday, as factors of the mean."""
THURSDAY = 3
"""The weekday of day 0, counted from Monday."""
RUSH_HOURS = ((0.28, 0.56, 0.4), (0.5, 0.97, 0.8), (0.02, 0.98, 0.6))
"""Least, greatest and likeliest time of the day, as shares of it: before noon, in the evening, and at any time."""
RELEASE_DAYS, RELEASES = 3, 100
"""Days between two releases of a bot, and the number of releases after which their numbers restart at 1."""
ENDED_MS = 15 * 60_000
"""Minimum age of the last turn of a past conversation, after which it has ended even if the user just left."""
ENVELOPED, BROKEN = 25, 60
"""One of so many conversations is in a CloudWatch envelope; one of so many is followed by broken inputs."""
LIVE_EVERY_MS = 4_000
"""Mean milliseconds between two live conversations."""


class TimedInput(msgspec.Struct, frozen=True, order=True):
    """A raw input and the time when it is due, in milliseconds since 1970."""

    due: int
    raw: bytes


def past_inputs(seed: int, now: int, count: int) -> list[TimedInput]:
    """Generate about `count` conversations of the past days that ended before `now`, in order of time.

    A past day is always generated the same: sending it again changes nothing.
    """
    today, events = now // DAY_MS, []
    for day in range(today - DAYS, today + 1):
        rng = Random(f"{seed}/{day}")  # noqa: S311 - not used for secrets
        for number in range(round(count / DAYS * WEEKDAYS[(day + THURSDAY) % 7])):
            past = _past(rng, day, number)
            events += past if past[-1].due < now - ENDED_MS else []
    return sorted(events)


def live_inputs(seed: int, clock: Now) -> Iterator[TimedInput]:
    """Generate live conversations without end, several at a time, turn by turn; send each input when it is due.

    No input is due before the time of its generation: after a pause, conversations continue without catching up.
    """
    rng = Random(f"{seed}/live/{clock()}")  # noqa: S311 - not used for secrets
    tie = numbers()
    begins = clock()
    waiting: list[tuple[int, int, DemoConversation, int, int]] = []
    while True:
        if not waiting or begins <= waiting[0][0]:
            begins = max(begins, clock())
            heapq.heappush(
                waiting, (begins, next(tie), make_conversation(rng, _bot(rng), _release(begins // DAY_MS)), 0, begins)
            )
            begins += round(rng.expovariate(1 / LIVE_EVERY_MS))
        due, _, live, index, began = heapq.heappop(waiting)
        due = max(due, clock())
        began = began if index else due
        yield TimedInput(due, _entry(live, index, due, began))
        if index + 1 < len(live.turns):
            heapq.heappush(waiting, (due + _pause(rng), next(tie), live, index + 1, began))


def _past(rng: Random, day: int, number: int) -> list[TimedInput]:
    """Generate a conversation of that day, and the broken inputs after it."""
    past = make_conversation(rng, _bot(rng), _release(day))
    times = [day * DAY_MS + round(DAY_MS * rng.triangular(*rng.choice(RUSH_HOURS)))]
    for _ in past.turns[1:]:
        times.append(times[-1] + _pause(rng))
    events = [TimedInput(time, _entry(past, index, time, times[0])) for index, time in enumerate(times)]
    after = times[-1] + _pause(rng)
    if number % ENVELOPED == 1:
        events = [TimedInput(after, envelope([event.raw for event in events], after))]
    if number % BROKEN == 2:
        events += [TimedInput(after, raw) for raw in broken_inputs(entry_v2(past, 0, times[0]))]
    return events


def _entry(live: DemoConversation, index: int, time: int, began: int) -> bytes:
    return entry_v2(live, index, time) if live.bot.id else entry_v1(live, index, time, began)


def _bot(rng: Random) -> DemoBot:
    return rng.choices([travel_bot(), bank_bot(), florist()], [50, 42, 8])[0]


def _release(day: int) -> int:
    """Return the release that runs on that day since 1970."""
    return 1 + day // RELEASE_DAYS % RELEASES


def _pause(rng: Random) -> int:
    """Choose the milliseconds until the user's next input."""
    return round(1000 * min(90.0, 2 + rng.expovariate(1 / 9)))
