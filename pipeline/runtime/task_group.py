"""Run tasks that end with their block, and raise their first error without an exception group."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.runtime.errors import TransientError


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield an asyncio.TaskGroup, none of whose tasks outlives the block.

    An error of one task cancels the others and the block. Of several errors, one that is not a TransientError is
    raised if there is one, so that a caller that retries after a TransientError does not miss it.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as group_error:
        raise _most_severe(group_error) from None


def _most_severe(group_error: BaseExceptionGroup[BaseException]) -> BaseException:
    errors = _flatten(group_error)
    return next((error for error in errors if not isinstance(error, TransientError)), errors[0])


def _flatten(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _flatten(part)]
    return [error]
