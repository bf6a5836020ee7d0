"""A key over its rate or concurrency waits or is refused, and other keys are not affected."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pipeline.auth import rate_limit
from pipeline.auth.errors import ThrottledError
from pipeline.auth.rate_limit import PERIOD_S, WAITING, RateLimits
from pipeline.config.settings import Settings
from schemas.access_key import AccessKey
from tests.pipeline.auth.signing import key


def using(settings: Settings, block: Callable[[RateLimits], Awaitable[None]]) -> None:
    async def go() -> None:
        await block(RateLimits(settings))

    asyncio.run(go())


async def ask(limits: RateLimits, one: AccessKey, until: asyncio.Event | None = None) -> bool:
    """Whether it was let in."""
    try:
        async with limits.slot(one):
            if until:
                await until.wait()
    except ThrottledError:
        return False
    return True


def test_a_rate_is_kept_over_ten_seconds_and_each_key_has_its_own() -> None:
    async def use(limits: RateLimits) -> None:
        often, other, faster = key(), key(), key(rate=5.0)
        assert sum([await ask(limits, often) for _ in range(40)]) == int(2 * PERIOD_S)
        assert await ask(limits, other)
        assert sum([await ask(limits, faster) for _ in range(80)]) == int(5 * PERIOD_S)

    using(Settings(api_rate=2.0), use)


def test_a_slow_key_gets_the_time_to_wait() -> None:
    async def use(limits: RateLimits) -> None:
        slow = key(rate=0.25)
        assert [await ask(limits, slow) for _ in range(3)] == [True, True, False]
        with pytest.raises(ThrottledError, match=r"0\.25 requests a second") as raised:
            async with limits.slot(slow):
                pass
        assert raised.value.after == 4

    using(Settings(), use)


def test_requests_over_the_concurrency_limit_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "WAIT_S", 60.0)

    async def use(limits: RateLimits) -> None:
        busy, other, done = key(), key(), asyncio.Event()
        asked = [asyncio.create_task(ask(limits, busy, done)) for _ in range(5)]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in asked)
        assert await ask(limits, other), "another key need not wait"
        done.set()
        assert all(await asyncio.gather(*asked))

    using(Settings(api_concurrent=2), use)


def test_waiting_too_long_or_with_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "WAIT_S", 0.05)

    async def use(limits: RateLimits) -> None:
        busy, done = key(), asyncio.Event()
        asked = [asyncio.create_task(ask(limits, busy, done)) for _ in range(WAITING + 3)]
        await asyncio.sleep(0.01)
        assert [task.done() for task in asked].count(True) == 2, "more than may wait"
        await asyncio.sleep(0.2)
        assert [task.done() for task in asked].count(True) == WAITING + 2
        done.set()
        assert sum(await asyncio.gather(*asked)) == 1
        assert await ask(limits, busy), "its turn is given back"

    using(Settings(api_concurrent=1, api_rate=1000.0), use)


def test_a_key_whose_rate_is_changed_has_the_new_one() -> None:
    async def use(limits: RateLimits) -> None:
        before = key(rate=0.1)
        assert [await ask(limits, before) for _ in range(2)] == [True, False]
        after = key(id=before.id, rate=100.0)
        assert all([await ask(limits, after) for _ in range(10)])

    using(Settings(), use)
