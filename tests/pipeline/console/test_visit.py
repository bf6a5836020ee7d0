"""Parts of a page: those that are fast are painted with it, others come by themselves, and one that fails is told."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.console.visit import LoadedPart, ScreenPart, Visit
from pipeline.runtime.errors import TransientError
from tests.pipeline.console.visits import visit


async def fast() -> Mapping[str, Any]:
    return {"total": 1}


async def slow() -> Mapping[str, Any]:
    await asyncio.sleep(0.3)
    return {"total": 2}


async def failing() -> Mapping[str, Any]:
    raise TransientError("away")


PARTS = [ScreenPart(load.__name__, "none.html", load) for load in (fast, slow, failing)]


def load(made: Visit) -> dict[str, LoadedPart]:
    return asyncio.run(made.parts(PARTS))


def test_a_page_waits_for_nothing_slow() -> None:
    loaded = load(visit())
    assert loaded["fast"].values == {"total": 1}
    assert (loaded["slow"].values, loaded["slow"].error) == (None, "")
    assert "ClickHouse does not answer" in loaded["failing"].error


def test_a_page_that_is_told_to_wait_has_all() -> None:
    assert load(visit("wait=yes"))["slow"].values == {"total": 2}


def test_a_mistake_of_ours_is_not_hidden() -> None:
    async def wrong() -> Mapping[str, Any]:
        raise KeyError("x")

    with pytest.raises(KeyError):
        asyncio.run(visit().parts([ScreenPart("wrong", "none.html", wrong)]))


def test_a_page_does_not_begin_again_what_was_too_slow() -> None:
    """A part that is asked for by itself, and is fast then, is on the next page again."""
    begun, seconds = [], [0.3]

    async def varying() -> Mapping[str, Any]:
        begun.append(seconds[0])
        await asyncio.sleep(seconds[0])
        return {"total": 3}

    part = ScreenPart("varying", "none.html", varying)
    page = visit()

    def loaded() -> Mapping[str, Any] | None:
        return asyncio.run(page.parts([part]))["varying"].values

    assert loaded() is None
    assert loaded() is None
    assert begun == [0.3]
    seconds[0] = 0.0
    asyncio.run(page._load(part))
    assert loaded() == {"total": 3}
    assert begun == [0.3, 0.0, 0.0]


def test_the_parts_end_with_the_visit() -> None:
    """A reader who leaves must not leave queries behind."""
    ended: list[str] = []

    async def endless() -> Mapping[str, Any]:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("endless")
        return {}

    async def leave() -> None:
        shown = asyncio.create_task(visit("wait=yes").parts([ScreenPart("endless", "none.html", endless)]))
        await asyncio.sleep(0.01)
        shown.cancel()
        await asyncio.gather(shown, return_exceptions=True)
        await asyncio.sleep(0)
        assert ended == ["endless"]

    asyncio.run(leave())
