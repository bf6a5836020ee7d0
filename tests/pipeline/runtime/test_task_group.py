"""No task outlives its block, and what is raised is the error itself."""

import asyncio

import pytest

from pipeline.runtime.errors import StatementError, TransientError
from pipeline.runtime.task_group import task_group


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
