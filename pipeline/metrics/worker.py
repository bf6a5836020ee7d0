"""Metrics of a worker: records, batches, dead letters, lag, freshness and waits."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline.metrics.collectors import AgeHistogram, LagGauge
from pipeline.metrics.dependency_status import create_dependencies
from pipeline.metrics.process import WORK_SECONDS, Metrics
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import Reason
from schemas.dead_letter import DeadLetter

AgentName = Literal["intake", "conversations"]

ResetCause = Literal["anew", "expired"]
"""Why a partition is read from its beginning: its topic was created anew, or the next records have expired."""

WorkerPart = AgentName | Literal["fetcher"]
"""A part of a worker that can be stuck on its own."""

AGENTS: tuple[AgentName, ...] = ("intake", "conversations")
FRESH_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1800, 7200, 86_400)


class HasTimestamp(Protocol):
    """A Kafka record, whose timestamp is in milliseconds since 1970."""

    timestamp: int


class WorkerMetrics(Metrics):
    """Metrics of a worker. Series with known labels start at 0, so that Prometheus sees their first increase."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = BatchMetrics(self.registry)
        self.folding = FoldMetrics(self.registry)
        self.offsets = OffsetMetrics(self.registry)
        self.dead_letters = Counter(
            "turnfold_dead_letters_total", "Inputs kept as dead letters", ["agent", "reason"], registry=self.registry
        )
        for agent in AGENTS:
            for reason in Reason:
                self.dead_letters.labels(agent, reason)
        self._misplaced = Counter(
            "turnfold_misplaced_total",
            "Records found in a partition that is not their session's: forwarded to the right one, or kept",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("forwarded", "kept"):
            self._misplaced.labels(outcome)
        self._stuck = Gauge(
            "turnfold_stuck",
            "1 while a part of the worker makes no progress, although it could",
            ["part"],
            registry=self.registry,
        )
        self._stuck_parts: set[WorkerPart] = set()
        for part in (*AGENTS, "fetcher"):
            self._stuck.labels(part)
        self.clickhouse, self.kafka = create_dependencies(self.registry)

    def stuck(self, part: WorkerPart, stuck: bool) -> None:  # noqa: FBT001 - a value, not a switch
        """Record whether a part is stuck."""
        (self._stuck_parts.add if stuck else self._stuck_parts.discard)(part)
        self._stuck.labels(part).set(stuck)

    def is_stuck(self, part: WorkerPart) -> bool:
        """Return whether a part was last recorded as stuck."""
        return part in self._stuck_parts

    def misplaced(self, forwarded: int = 0, kept: int = 0) -> None:
        """Count records found in the wrong partition, that were forwarded or kept and folded there."""
        self._misplaced.labels("forwarded").inc(forwarded)
        self._misplaced.labels("kept").inc(kept)

    def dead(self, agent: AgentName, dead_letters: Iterable[DeadLetter]) -> None:
        """Count dead letters that were sent to their topic."""
        for dead_letter in dead_letters:
            self.dead_letters.labels(agent, dead_letter.reason).inc()


class BatchMetrics:
    """Batches of the two agents."""

    def __init__(self, registry: CollectorRegistry) -> None:
        agent = ["agent"]
        self._records = Counter("turnfold_records_total", "Kafka records finished", agent, registry=registry)
        self._batches = Counter("turnfold_batches_total", "Batches finished", agent, registry=registry)
        self._seconds = Histogram(
            "turnfold_flush_seconds",
            "Time from receiving a batch to having written it, waits included",
            agent,
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._ages = AgeHistogram(
            "turnfold_freshness_seconds",
            "Age of a record when it is written: by conversations as rows in ClickHouse, by intake to the turns topic",
            "agent",
            FRESH_SECONDS,
        )
        registry.register(self._ages)
        self.finished: dict[AgentName, float] = {}
        """Agent -> `time.monotonic()` of its last finished batch."""
        for name in AGENTS:
            self._records.labels(name)
            self._batches.labels(name)

    @contextmanager
    def flush(self, agent: AgentName, records: Sequence[HasTimestamp]) -> Iterator[None]:
        """Count a batch once the block has written it; a failed batch is delivered again and counted then."""
        began = time.perf_counter()
        yield
        self.finished[agent] = time.monotonic()
        if not records:
            return
        self._seconds.labels(agent).observe(time.perf_counter() - began)
        self._batches.labels(agent).inc()
        self._records.labels(agent).inc(len(records))
        self._ages.observe(agent, (record.timestamp for record in records), now_ms())


class FoldMetrics:
    """Folded conversations: their sources, events and rows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._conversations = Counter(
            "turnfold_conversations_total",
            "Conversations folded, by source of their earlier events: memory, archive, or none (new)",
            ["source"],
            registry=registry,
        )
        self.read_back_seconds = Histogram(
            "turnfold_read_back_seconds",
            "Time to read a batch's missing conversations back, waits included",
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._events = Counter(
            "turnfold_events_total",
            "Valid turn events, new or known already",
            ["novelty"],
            registry=registry,
        )
        self._forgotten = Counter(
            "turnfold_forgotten_total",
            "Events of erased sessions that were read again and dropped",
            registry=registry,
        )
        self._rows = Counter("turnfold_rows_total", "Rows inserted into ClickHouse", ["table"], registry=registry)
        self._memory = Gauge("turnfold_memory_conversations", "Conversations held in memory", registry=registry)

    def resolved(self, memory: int, archive: int, new: int) -> None:
        """Count a batch's conversations by source: the cache, the archive, or none."""
        for source, count in (("memory", memory), ("archive", archive), ("new", new)):
            self._conversations.labels(source).inc(count)

    def forgot(self, events: int) -> None:
        """Count events of a batch that were dropped, as their sessions are erased."""
        self._forgotten.inc(events)

    def written(self, rows: int, new: int, known: int, held: int) -> None:
        """Count the rows and the new and known events of a batch; `held` conversations are in the cache now."""
        self._rows.labels("conversations").inc(rows)
        self._rows.labels("turns").inc(new)
        self._events.labels("new").inc(new)
        self._events.labels("known").inc(known)
        self._memory.set(held)


class OffsetMetrics:
    """Lag, commits and resets of offsets."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lags = LagGauge(
            "turnfold_lag_records",
            "Records after the last commit in a partition of this worker, up to the end that its last fetch reported",
        )
        registry.register(self.lags)
        self._seconds = Histogram(
            "turnfold_commit_seconds",
            "Duration of a commit of offsets, by outcome: done or failed",
            ["outcome"],
            buckets=WORK_SECONDS,
            registry=registry,
        )
        for outcome in ("done", "failed"):
            self._seconds.labels(outcome)

        self._resets = Counter(
            "turnfold_resets_total",
            "Partitions read from their beginning, as their topic was created anew or the next records had expired",
            ["cause"],
            registry=registry,
        )
        for cause in get_args(ResetCause):
            self._resets.labels(cause)
        self._expired = Counter(
            "turnfold_expired_records_total", "Records that Kafka deleted before they were read", registry=registry
        )

    def reset(self, cause: ResetCause, expired: int) -> None:
        """Count a partition that is read from its beginning, and the records that expired before they were read."""
        self._resets.labels(cause).inc()
        self._expired.inc(expired)

    def committed(self, seconds: float, *, done: bool) -> None:
        """Record the duration of a commit."""
        self._seconds.labels("done" if done else "failed").observe(seconds)
