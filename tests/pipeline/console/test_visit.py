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
