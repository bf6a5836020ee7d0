"""Run tasks that end with their block, whose first error is raised as it is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pipeline.runtime.errors import TransientError


@asynccontextmanager
async def task_group() -> AsyncIterator[asyncio.TaskGroup]:
    """Yield an asyncio.TaskGroup: none of its tasks outlives the block, however that ends.

    An error of one cancels the others and the block. Of several errors, one that waiting cannot mend is raised, so
    that whoever tries again after a TransientError does not miss it.
    """
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as failed:
        raise _worst(failed) from None


def _worst(failed: BaseExceptionGroup[BaseException]) -> BaseException:
    errors = list(_flat(failed))
    return next((error for error in errors if not isinstance(error, TransientError)), errors[0])


def _flat(failed: BaseException) -> list[BaseException]:
    if isinstance(failed, BaseExceptionGroup):
        return [error for one in failed.exceptions for error in _flat(one)]
    return [failed]
