"""Ask the operations of the API on behalf of a reader: the very requests that a client would send."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import orjson

from pipeline.auth.authenticator import check_right
from pipeline.http.middleware.request_context import AuditRecord
from pipeline.http.operations.operation import AppContext, Operation, OperationRequest
from schemas.access_key import AccessKey

FAN_OUT = 4
"""Questions of one view that are asked at the same time."""
SHARED_SECONDS = 1.0
"""Seconds for which all readers of the same live question share one answer."""
MAX_SHARED = 1000
"""Live answers that are kept."""

ResponseStruct = TypeVar("ResponseStruct", bound=msgspec.Struct)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    """A request to an operation about one bot, with the members of its body by Lex's names."""

    operation: Operation
    bot_id: str
    body: dict[str, Any]

    @property
    def content(self) -> bytes:
        """Return the body as JSON, the same for equal questions."""
        return orjson.dumps(self.body, option=orjson.OPT_SORT_KEYS)


class SharedAnswers:
    """Answers that all readers share for a short time, so that a question is asked once a second at most."""

    def __init__(self, seconds: float = SHARED_SECONDS) -> None:
        self._seconds = seconds
        self._tasks: dict[Hashable, tuple[float, asyncio.Task[Any]]] = {}

    async def get(self, key: Hashable, load: Callable[[], Awaitable[T]]) -> T:
        """Return the answer of this key, which `load` gets unless there is one that is young enough."""
        now = time.monotonic()
        known = self._tasks.get(key)
        if known is None or _is_over(*known, now):
            self._tasks = {each: value for each, value in self._tasks.items() if not _is_over(*value, now)}
            if len(self._tasks) >= MAX_SHARED:
                return await load()
            known = self._tasks[key] = now + self._seconds, asyncio.ensure_future(_as_coroutine(load))
        return await asyncio.shield(known[1])  # a reader who leaves must not take the answer from the others


def _is_over(until: float, task: asyncio.Task[Any], now: float) -> bool:
    """Return whether an answer is too old, or none: a slow one is not asked for again before it has come."""
    return task.done() and (until <= now or task.cancelled() or task.exception() is not None)


async def _as_coroutine(load: Callable[[], Awaitable[T]]) -> T:
    return await load()


@dataclass(slots=True)
class Questions:
    """The questions of one view. Its audit record counts the rows of all answers."""

    app: AppContext
    shared: SharedAnswers
    key: AccessKey
    audit: AuditRecord
    _free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(FAN_OUT))

    async def ask(self, question: Question, response: type[ResponseStruct]) -> ResponseStruct:
        """Return the answer.

        Raises:
            DeniedError: the key lacks the operation's right.
            InvalidQueryError: the request is invalid. BusyError: too many requests are in progress.
            TransientError, ExceededError: ClickHouse is unavailable, or the query exceeds its limits.
        """
        check_right(self.key, question.operation.right)
        audit = AuditRecord(question.operation.name)
        asked = OperationRequest({"botId": question.bot_id}, {}, question.content, self.key, audit)
        async with self._free:
            with self.app.concurrency.slot():
                answer = await question.operation.handle(self.app, asked)
        self.audit.rows += audit.rows
        if not isinstance(answer, response):
            raise TypeError(f"{question.operation.name} answered {type(answer).__name__}, not {response.__name__}")
        return answer

    async def ask_shared(self, question: Question, response: type[ResponseStruct]) -> ResponseStruct:
        """Return the answer that all readers share for a second; raises as `ask`."""
        allowed = self.key.can_access_bot(question.bot_id) and self.key.has_right(question.operation.right)
        if not allowed:
            return await self.ask(question, response)
        key = question.operation.name, question.bot_id, question.content
        return await self.shared.get(key, lambda: self.ask(question, response))
