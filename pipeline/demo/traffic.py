"""A seed and a time in; raw inputs out: what the demo's bots did in the past days, and do from now on."""

import heapq
from collections.abc import Iterator
from itertools import count as numbers
from random import Random

import msgspec

from pipeline.demo.entries import broken, entry_v1, entry_v2, envelope
from pipeline.demo.script import Talk, talk
from pipeline.demo.story import Bot, bank_bot, florist, travel_bot
from pipeline.runtime.clock import Now
from schemas.topics import DAY_MS

DAYS = 7
"""How far back the past goes."""
RELEASE_DAYS, RELEASES = 3, 100
"""Days between two releases of the bots, and the number of releases before they are counted from 1 again."""
ENDED_MS = 15 * 60_000
"""The past's last turns are at least this old: also where a guest just left, the conversation has ended."""
ENVELOPED, BROKEN = 25, 60
"""Of so many conversations, one comes in a CloudWatch envelope, and one is followed by broken input."""
LIVE_EVERY_MS = 4_000
"""Mean time between two live conversations."""


class Event(msgspec.Struct, frozen=True, order=True):
    """A raw input and when it is due, in milliseconds since 1970."""

    due: int
    raw: bytes


def conversations(seed: int, now: int, count: int) -> list[Event]:
    """About `count` conversations of the past days, ended before `now`; by time.

    A day that is over is the same whenever it is asked for: sent again, it changes nothing.
    """
    today, events = now // DAY_MS, []
    for day in range(today - DAYS, today + 1):
        rng = Random(f"{seed}/{day}")  # noqa: S311 - no secret is made of it
        for number in range(-(-count // DAYS)):
            past = _past(rng, day, number)
            events += past if past[-1].due < now - ENDED_MS else []
    return sorted(events)


def trickle(seed: int, clock: Now) -> Iterator[Event]:
    """Live conversations, several at a time, turn by turn without end; each is to be sent when it is due.

    None is due before the time at which it is asked for: after a pause the guests go on, without catching up.
    """
    rng = Random(f"{seed}/live/{clock()}")  # noqa: S311 - no secret is made of it
    tie = numbers()
    begins = clock()
    waiting: list[tuple[int, int, Talk, int, int]] = []
    while True:
        if not waiting or begins <= waiting[0][0]:
            begins = max(begins, clock())
            heapq.heappush(waiting, (begins, next(tie), talk(rng, _bot(rng), _release(begins // DAY_MS)), 0, begins))
            begins += round(rng.expovariate(1 / LIVE_EVERY_MS))
        due, _, live, place, began = heapq.heappop(waiting)
        due = max(due, clock())
        began = began if place else due
        yield Event(due, _entry(live, place, due, began))
        if place + 1 < len(live.steps):
            heapq.heappush(waiting, (due + _pause(rng), next(tie), live, place + 1, began))


def _past(rng: Random, day: int, number: int) -> list[Event]:
    """One conversation of that day, and whatever comes with it."""
    past = talk(rng, _bot(rng), _release(day))
    times = [day * DAY_MS + round(DAY_MS * rng.triangular(0.2, 0.95, 0.6))]
    for _ in past.steps[1:]:
        times.append(times[-1] + _pause(rng))
    events = [Event(time, _entry(past, place, time, times[0])) for place, time in enumerate(times)]
    after = times[-1] + _pause(rng)
    if number % ENVELOPED == 1:
        events = [Event(after, envelope([event.raw for event in events], after))]
    if number % BROKEN == 2:
        events += [Event(after, raw) for raw in broken(entry_v2(past, 0, times[0]))]
    return events


def _entry(live: Talk, place: int, time: int, began: int) -> bytes:
    return entry_v2(live, place, time) if live.bot.id else entry_v1(live, place, time, began)


def _bot(rng: Random) -> Bot:
    return rng.choices([travel_bot(), bank_bot(), florist()], [50, 42, 8])[0]


def _release(day: int) -> int:
    """The release that runs on that day since 1970: the same whenever one looks back at it."""
    return 1 + day // RELEASE_DAYS % RELEASES


def _pause(rng: Random) -> int:
    """Milliseconds until the guest's next words."""
    return round(1000 * min(90.0, 2 + rng.expovariate(1 / 9)))
