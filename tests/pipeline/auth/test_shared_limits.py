"""The limits of a key hold for all processes together, and those of one that ends are given back."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from pipeline.auth import shared_limits
from pipeline.auth.errors import ThrottledError
from pipeline.auth.rate_limit import PERIOD_S, WAITING, RateLimits
from pipeline.auth.shared_limits import SharedRateLimits, SlotKeeper
from pipeline.config.settings import Settings
from schemas.access_key import AccessKey
from tests.pipeline.auth.signing import key

SOON = 10.0
"""Seconds within which what should happen does, on a busy machine too."""


class Member:
    """A process that asks for slots: only its end of the connection, which is all that others see of it."""

    def __init__(self, keeper: SlotKeeper) -> None:
        self.limits = SharedRateLimits()
        ours, self._theirs = socket.socketpair()
        self.served = asyncio.create_task(keeper.serve(ours))

    async def connect(self) -> None:
        """Begin to ask."""
        self._receiving = await self.limits.connect(self._theirs)

    async def die(self) -> None:
        """Close the connection without giving anything back, as a process that is killed."""
        self._receiving.cancel()
        await asyncio.wait_for(self.served, SOON)


@asynccontextmanager
async def members(settings: Settings, count: int = 2) -> AsyncIterator[list[Member]]:
    keeper = SlotKeeper(RateLimits(settings))
    made = [Member(keeper) for _ in range(count)]
    for member in made:
        await member.connect()
    yield made
    for member in made:
        await member.die()


def using(settings: Settings, block: Callable[[Member, Member], Awaitable[Any]]) -> None:
    async def go() -> None:
        async with members(settings) as made:
            await block(made[0], made[1])

    asyncio.run(go())


async def hold(member: Member, one: AccessKey, until: asyncio.Event, entered: list[Member] | None = None) -> str:
    """Hold a slot until the event, and return why there was none."""
    try:
        async with member.limits.slot(one):
            if entered is not None:
                entered.append(member)
            await until.wait()
    except ThrottledError as error:
        return str(error)
    return ""


async def settled() -> None:
    """Let all messages arrive."""
    for _ in range(50):
        await asyncio.sleep(0.001)


def test_a_rate_is_that_of_all_processes_together() -> None:
    async def use(first: Member, second: Member) -> None:
        often, other, now = key(), key(), asyncio.Event()
        now.set()
        refused = [await hold(member, often, now) for member in [first, second] * 20]
        assert refused.count("") == int(2 * PERIOD_S)
        assert "2 requests a second" in refused[-1]
        assert await hold(second, other, now) == ""

    using(Settings(api_rate=2.0), use)


def test_a_key_whose_rate_is_refused_learns_when_to_come_back() -> None:
    async def use(first: Member, second: Member) -> None:
        slow, now = key(rate=0.05), asyncio.Event()
        now.set()
        assert await hold(first, slow, now) == ""
        with pytest.raises(ThrottledError) as raised:
            async with second.limits.slot(slow):
                pass
        assert raised.value.after == 20

    using(Settings(), use)


def test_no_more_than_its_slots_are_held_by_all_processes_and_the_next_in_line_gets_a_free_one() -> None:
    async def use(first: Member, second: Member) -> None:
        busy, done, never = key(concurrent=1), asyncio.Event(), asyncio.Event()
        entered: list[Member] = []
        holding = asyncio.create_task(hold(first, busy, done, entered))
        await settled()
        waiting = asyncio.create_task(hold(second, busy, never, entered))
        await settled()
        last = asyncio.create_task(hold(first, busy, never, entered))
        await settled()
        assert entered == [first]
        done.set()
        await asyncio.wait_for(holding, SOON)
        await settled()
        assert entered == [first, second], "it waited before the other process's next request"
        never.set()
        assert [await asyncio.wait_for(each, SOON) for each in (waiting, last)] == ["", ""]
        assert entered == [first, second, first]

    using(Settings(), use)


def test_a_process_that_ends_gives_its_slots_and_its_place_in_line_back() -> None:
    async def use(first: Member, second: Member) -> None:
        busy, never, now = key(concurrent=2), asyncio.Event(), asyncio.Event()
        now.set()
        lost = [asyncio.create_task(hold(first, busy, never)) for _ in range(5)]
        await settled()
        waiting = asyncio.create_task(hold(second, busy, now))
        await settled()
        assert not waiting.done()
        await first.die()
        assert await asyncio.wait_for(waiting, SOON) == ""
        assert [await hold(second, busy, now) for _ in range(5)] == [""] * 5
        for task in lost:
            task.cancel()
        await asyncio.gather(*lost, return_exceptions=True)

    using(Settings(), use)


def test_a_client_that_leaves_while_it_waits_takes_no_slot() -> None:
    async def use(first: Member, second: Member) -> None:
        busy, done, now = key(concurrent=1), asyncio.Event(), asyncio.Event()
        now.set()
        holding = asyncio.create_task(hold(first, busy, done))
        await settled()
        left = [asyncio.create_task(hold(second, busy, done)) for _ in range(WAITING)]
        await settled()
        assert f"{WAITING} requests" in await hold(second, busy, now), "the line is full"
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        done.set()
        assert await asyncio.wait_for(holding, SOON) == ""
        assert await asyncio.wait_for(hold(second, busy, now), SOON) == ""

    using(Settings(), use)


@pytest.mark.parametrize("written", [b"", b'["Enter",1', b'["Enter",1,"K",null,null]\n["Lea'])
def test_a_process_that_is_killed_in_mid_write_is_no_error(written: bytes) -> None:
    async def go() -> None:
        ours, theirs = socket.socketpair()
        theirs.send(written)
        theirs.close()
        await asyncio.wait_for(SlotKeeper(RateLimits(Settings())).serve(ours), SOON)

    asyncio.run(go())


def test_without_the_process_that_keeps_the_limits_requests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once if it has ended, and after a while if it does not answer."""
    monkeypatch.setattr(shared_limits, "PATIENCE_S", 0.05)

    async def go() -> None:
        keeper, ours = socket.socketpair()
        alone, now = SharedRateLimits(), asyncio.Event()
        receiving = await alone.connect(ours)
        with pytest.raises(ThrottledError, match="does not answer"):
            async with alone.slot(key()):
                now.set()
        keeper.close()
        await asyncio.wait_for(receiving, SOON)
        with pytest.raises(ThrottledError, match="does not answer"):
            async with alone.slot(key()):
                now.set()
        assert not now.is_set()

    asyncio.run(go())
