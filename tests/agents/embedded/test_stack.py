"""An external Kafka or ClickHouse that does not answer is named by its option, before anything starts."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agents.embedded import stack
from pipeline.runtime.errors import StatementError, TransientError, UsageError


async def refused(error: Exception) -> None:
    raise error


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (lambda: asyncio.sleep(60), "no answer within 0.01 s"),
        (lambda: refused(TransientError("connection refused")), "connection refused"),
        (lambda: refused(StatementError("unknown user")), "unknown user"),
    ],
)
def test_the_error_names_the_option(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[], Awaitable[None]], reason: str
) -> None:
    monkeypatch.setattr(stack, "CONNECT_SECONDS", 0.01)
    with pytest.raises(UsageError, match=f"^--kafka broker:9092: {reason}$"):
        asyncio.run(stack._check("--kafka broker:9092", ask()))
