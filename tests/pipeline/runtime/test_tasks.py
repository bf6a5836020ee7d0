"""Equal calls at the same time are one call, whose result or error all callers get, whoever of them leaves."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from pipeline.runtime.errors import StatementError, TransientError
from pipeline.runtime.tasks import SharedProbe, SingleFlight, task_group

MANY = 5


class Slow:
    """A function that returns or raises once it is told to, and counts its calls."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls = self.cancelled = 0
        self.go = asyncio.Event()
        self._error = error

    async def __call__(self) -> int:
        self.calls += 1
        call = self.calls
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self._error:
            raise self._error
        return call


def run(block: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await block()

    asyncio.run(bounded())


async def begun(flights: SingleFlight[int], slow: Slow, *keys: str) -> list[asyncio.Task[int]]:
    """Begin a call of each key, and let them all wait."""
    tasks = [asyncio.create_task(flights.call(key, slow)) for key in keys]
    for _ in range(3):
        await asyncio.sleep(0)
    return tasks


def test_equal_calls_are_one_and_others_are_not() -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](), Slow()
        tasks = await begun(flights, slow, *["a"] * MANY, "b")
        slow.go.set()
        assert await asyncio.gather(*tasks) == [1] * MANY + [2]
        assert slow.calls == 2

    run(block)


def test_a_call_that_has_ended_is_not_remembered() -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](), Slow()
        slow.go.set()
        assert [await flights.call("a", slow) for _ in range(3)] == [1, 2, 3]
        assert not flights._flights

    run(block)


def test_a_call_that_began_long_ago_is_not_joined() -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](join_seconds=0.0), Slow()
        tasks = await begun(flights, slow, "a", "a", "a")
        slow.go.set()
        assert await asyncio.gather(*tasks) == [1, 2, 3]
        assert not flights._flights

    run(block)


def test_all_get_the_error_and_the_next_call_is_a_new_one() -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](), Slow(ValueError("wrong"))
        tasks = await begun(flights, slow, *["a"] * MANY)
        slow.go.set()
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [repr(error) for error in errors] == ["ValueError('wrong')"] * MANY
        with pytest.raises(ValueError, match="wrong"):
            await flights.call("a", slow)
        assert slow.calls == 2

    run(block)


@pytest.mark.parametrize("leaves", range(MANY))
def test_who_leaves_takes_the_answer_from_nobody(leaves: int) -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](), Slow()
        tasks = await begun(flights, slow, *["a"] * MANY)
        tasks[leaves].cancel()
        await asyncio.wait([tasks[leaves]])
        slow.go.set()
        stayed = [task for task in tasks if task is not tasks[leaves]]
        assert await asyncio.gather(*stayed) == [1] * (MANY - 1)
        assert tasks[leaves].cancelled()
        assert (slow.calls, slow.cancelled) == (1, 0)

    run(block)


def test_the_last_who_leaves_cancels_the_call_and_the_next_begins_another() -> None:
    async def block() -> None:
        flights, slow = SingleFlight[int](), Slow()
        tasks = await begun(flights, slow, "a", "a")
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        assert not flights._flights
        (later,) = await begun(flights, slow, "a")
        slow.go.set()
        assert await later == 2
        assert slow.cancelled == 1

    run(block)


async def fail(error: Exception) -> None:
    raise error


async def last(ended: list[str], name: str, error: Exception | None = None) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0.05)
        ended.append(name)
        if error:
            raise error


@pytest.mark.parametrize("where", ["task", "block"])
def test_an_error_ends_the_others_and_is_raised_when_they_have_ended(where: str) -> None:
    ended: list[str] = []

    async def go() -> None:
        async with task_group() as group:
            group.create_task(last(ended, "other"))
            await asyncio.sleep(0)
            if where == "block":
                raise TransientError("away")
            group.create_task(fail(TransientError("away")))
            await last(ended, "block")

    with pytest.raises(TransientError, match="away"):
        asyncio.run(go())
    assert sorted(ended) == (["other"] if where == "block" else ["block", "other"])


def test_of_several_errors_one_is_raised_that_waiting_cannot_mend() -> None:
    async def go() -> None:
        async with task_group() as group:
            group.create_task(last([], "", StatementError("refused")))
            await asyncio.sleep(0)
            raise TransientError("away")

    with pytest.raises(StatementError, match="refused"):
        asyncio.run(go())


def test_whoever_is_cancelled_waits_for_the_tasks_and_is_cancelled() -> None:
    async def block(ended: list[str]) -> None:
        async with task_group() as group:
            group.create_task(last(ended, "task"))
            await asyncio.Event().wait()

    async def go() -> list[str]:
        ended: list[str] = []
        running = asyncio.create_task(block(ended))
        await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled()
        return ended

    assert asyncio.run(go()) == ["task"]


class Probed:
    """What is probed: once it answers, it says `problem`; it counts the probes."""

    def __init__(self, problem: str = "") -> None:
        self.problem, self.probes = problem, 0
        self.answers = asyncio.Event()

    async def __call__(self) -> str:
        self.probes += 1
        await self.answers.wait()
        return self.problem


def test_concurrent_probes_are_one_and_its_result_is_reused_for_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        probed = Probed()
        probe = SharedProbe(probed)
        waiting = [asyncio.create_task(probe.problem()) for _ in range(50)]
        await asyncio.sleep(0)
        waiting[0].cancel()
        probed.answers.set()
        assert await asyncio.gather(*waiting[1:]) == [""] * 49
        assert await probe.problem() == ""
        assert probed.probes == 1
        monkeypatch.setattr("pipeline.runtime.tasks.FRESH_SECONDS", 0.0)
        assert await probe.problem() == ""
        assert probed.probes == 2

    monkeypatch.setattr("pipeline.runtime.tasks.FRESH_SECONDS", 600.0)
    asyncio.run(go())


def test_a_problem_is_reused_for_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async def go() -> None:
        probed = Probed("it is broken")
        probed.answers.set()
        probe = SharedProbe(probed)
        for _ in range(3):
            assert await probe.problem() == "it is broken"
        assert probed.probes == 1
        monkeypatch.setattr("pipeline.runtime.tasks.FRESH_PROBLEM_SECONDS", 0.0)
        probed.problem = ""
        assert await probe.problem() == ""
        assert await probe.problem() == "", "a result without a problem is reused for longer"
        assert probed.probes == 2

    monkeypatch.setattr("pipeline.runtime.tasks.FRESH_SECONDS", 600.0)
    monkeypatch.setattr("pipeline.runtime.tasks.FRESH_PROBLEM_SECONDS", 600.0)
    asyncio.run(go())
