"""The intake agent sends in chunks, and does not take one message of broken entries for many."""

import asyncio
import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import pytest

from agents import intake
from agents.intake import Intake
from agents.producer import OutgoingMessage, RetryingProducer
from pipeline.config.settings import Settings
from pipeline.ingest.dlq_limit import DlqLimit, PoisonError
from pipeline.metrics.worker import WorkerMetrics
from tests.events import raw

SETTINGS = Settings()


@dataclass
class Record:
    value: bytes
    offset: int
    topic: str = "turns.raw"
    partition: int = 0
    headers: tuple[()] = ()


@dataclass
class Sent:
    """What was sent, call by call."""

    calls: list[list[OutgoingMessage]] = field(default_factory=list)

    async def send(self, messages: Sequence[OutgoingMessage]) -> set[int]:
        self.calls.append(list(messages))
        return set()


def taken(limit: DlqLimit, *batches: Sequence[bytes]) -> Sent:
    """What comes of the batches."""
    sent = Sent()
    agent = Intake(SETTINGS, cast("RetryingProducer", sent), WorkerMetrics(), limit, lambda: None)

    async def take() -> None:
        offset = 0
        for batch in batches:
            records: list[Any] = [Record(value, offset + place) for place, value in enumerate(batch)]
            offset += len(batch)
            await agent(records)

    asyncio.run(take())
    return sent


def packed(*messages: bytes) -> bytes:
    return gzip.compress(orjson.dumps({"logEvents": [{"message": message.decode()} for message in messages]}))


def test_what_a_batch_unpacks_to_is_sent_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "CHUNK_BYTES", 10 * len(raw()))
    record = packed(*[raw(requestId=f"request-{n}") for n in range(6)])
    sent = taken(DlqLimit(0.5, 100), [record] * 7)
    assert [len(call) for call in sent.calls] == [12, 12, 12, 6]


def test_one_message_of_nothing_but_broken_texts_is_no_flood() -> None:
    broken = packed(*[b"{"] * 50)
    sent = taken(DlqLimit(0.5, 4), [broken, broken])
    assert [message.topic for message in sent.calls[0]] == [SETTINGS.topic_dead] * 100
    with pytest.raises(PoisonError, match="3 of the last 3 inputs"):
        taken(DlqLimit(0.5, 4), [broken, broken], [broken])


def test_a_message_with_some_broken_texts_among_entries_is_a_good_one() -> None:
    """As CloudWatch has lines of the runtime among entries."""
    taken(DlqLimit(0.5, 4), [packed(raw(), b"START RequestId: 1", raw())] * 20)
