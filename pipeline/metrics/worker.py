"""What a worker does in; records, batches, dead letters, lag, freshness and waits out, as metrics."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal, Protocol, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from pipeline.metrics.collectors import Ages, Lags
from pipeline.metrics.dependency_status import watches
from pipeline.metrics.process import WORK_SECONDS, Metrics
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import Reason
from schemas.dead_letter import DeadLetter

AgentName = Literal["intake", "conversations"]

ResetCause = Literal["anew", "expired"]
"""Why a partition is not read on from where it was: its topic is another one, or what follows was deleted."""

WorkerPart = AgentName | Literal["fetcher"]
"""A part of a worker that can be stuck by itself."""

AGENTS: tuple[AgentName, ...] = ("intake", "conversations")
FRESH_SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1800, 7200, 86_400)


class Stamped(Protocol):
    """What is needed of a Kafka record: its time, in milliseconds since 1970."""

    timestamp: int


class WorkerMetrics(Metrics):
    """What a worker tells. Where labels are known counters begin at 0, so that a first increase is seen as one."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = Batches(self.registry)
        self.folding = Folding(self.registry)
        self.offsets = Offsets(self.registry)
        self.letters = Counter(
            "turnfold_dead_letters_total", "Inputs kept as dead letters", ["agent", "reason"], registry=self.registry
        )
        for agent in AGENTS:
            for reason in Reason:
                self.letters.labels(agent, reason)
        self._misplaced = Counter(
            "turnfold_misplaced_total",
            "Records found in a partition that their session does not belong in: forwarded to the right one, or kept",
            ["outcome"],
            registry=self.registry,
        )
        for outcome in ("forwarded", "kept"):
            self._misplaced.labels(outcome)
        self._stuck = Gauge(
            "turnfold_stuck",
            "1 while a part of the worker gets nothing done, though it could",
            ["part"],
            registry=self.registry,
        )
        self._stuck_parts: set[WorkerPart] = set()
        for part in (*AGENTS, "fetcher"):
            self._stuck.labels(part)
        self.clickhouse, self.kafka = watches(self.registry)

    def stuck(self, part: WorkerPart, stuck: bool) -> None:  # noqa: FBT001 - what it is, not a switch
        """A part is stuck, or is not."""
        (self._stuck_parts.add if stuck else self._stuck_parts.discard)(part)
        self._stuck.labels(part).set(stuck)

    def is_stuck(self, part: WorkerPart) -> bool:
        """Tell whether the part was last said to be stuck."""
        return part in self._stuck_parts

    def misplaced(self, forwarded: int = 0, kept: int = 0) -> None:
        """So many records were found where they do not belong, and forwarded or folded all the same."""
        self._misplaced.labels("forwarded").inc(forwarded)
        self._misplaced.labels("kept").inc(kept)

    def dead(self, agent: AgentName, letters: Iterable[DeadLetter]) -> None:
        """These were sent to the dead-letter topic."""
        for letter in letters:
            self.letters.labels(agent, letter.reason).inc()


class Batches:
    """The work of the two agents, batch by batch."""

    def __init__(self, registry: CollectorRegistry) -> None:
        agent = ["agent"]
        self._records = Counter("turnfold_records_total", "Kafka records finished", agent, registry=registry)
        self._batches = Counter("turnfold_batches_total", "Batches finished", agent, registry=registry)
        self._seconds = Histogram(
            "turnfold_flush_seconds",
            "Time from having a batch to having it written, waits included",
            agent,
            buckets=WORK_SECONDS,
            registry=registry,
        )
        self._ages = Ages(
            "turnfold_freshness_seconds",
            "Age of a record when it is written: by conversations as rows in ClickHouse, by intake to the turns topic",
            "agent",
            FRESH_SECONDS,
        )
        registry.register(self._ages)
        self.finished: dict[AgentName, float] = {}
        """When each agent last finished a batch, by `time.monotonic`."""
        for name in AGENTS:
            self._records.labels(name)
            self._batches.labels(name)

    @contextmanager
    def flush(self, agent: AgentName, records: Sequence[Stamped]) -> Iterator[None]:
        """Account for a batch once the block has written it; one that fails comes again, and counts then."""
        began = time.perf_counter()
        yield
        self.finished[agent] = time.monotonic()
        if not records:
            return
        self._seconds.labels(agent).observe(time.perf_counter() - began)
        self._batches.labels(agent).inc()
        self._records.labels(agent).inc(len(records))
        self._ages.observe(agent, (record.timestamp for record in records), now_ms())


class Folding:
    """Where conversations came from, and what became of them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._conversations = Counter(
            "turnfold_conversations_total",
            "Conversations folded, by where what was known of them came from: memory, archive, or nowhere (new)",
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
            "Valid turn events, by whether they were new or known already",
            ["novelty"],
            registry=registry,
        )
        self._forgotten = Counter(
            "turnfold_forgotten_total",
            "Events of forgotten sessions that were read again and dropped",
            registry=registry,
        )
        self._rows = Counter("turnfold_rows_total", "Rows inserted into ClickHouse", ["table"], registry=registry)
        self._memory = Gauge("turnfold_memory_conversations", "Conversations held in memory", registry=registry)

    def resolved(self, memory: int, archive: int, new: int) -> None:
        """So many conversations of a batch came from memory, from the archive, and from nowhere."""
        for source, count in (("memory", memory), ("archive", archive), ("new", new)):
            self._conversations.labels(source).inc(count)

    def forgot(self, events: int) -> None:
        """So many events of a batch were dropped, as their sessions are forgotten."""
        self._forgotten.inc(events)

    def written(self, rows: int, new: int, known: int, held: int) -> None:
        """A batch came to so many rows, new events and known ones; so many conversations are held now."""
        self._rows.labels("conversations").inc(rows)
        self._rows.labels("turns").inc(new)
        self._events.labels("new").inc(new)
        self._events.labels("known").inc(known)
        self._memory.set(held)


class Offsets:
    """How far behind a worker is, and how its commits go."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lags = Lags(
            "turnfold_lag_records",
            "Records behind the last commit in a partition of this worker's, by the end that its last fetch told",
        )
        registry.register(self.lags)
        self._seconds = Histogram(
            "turnfold_commit_seconds",
            "Time that a commit of offsets took, by outcome: done or failed",
            ["outcome"],
            buckets=WORK_SECONDS,
            registry=registry,
        )
        for outcome in ("done", "failed"):
            self._seconds.labels(outcome)

        self._resets = Counter(
            "turnfold_resets_total",
            "Partitions read from their beginning, as their topic was made anew or what follows had expired",
            ["cause"],
            registry=registry,
        )
        for cause in get_args(ResetCause):
            self._resets.labels(cause)
        self._expired = Counter(
            "turnfold_expired_records_total", "Records that Kafka deleted before they were read", registry=registry
        )

    def reset(self, cause: ResetCause, expired: int) -> None:
        """A partition is read from its beginning; so many records were deleted before they were read."""
        self._resets.labels(cause).inc()
        self._expired.inc(expired)

    def committed(self, seconds: float, *, done: bool) -> None:
        """A commit was tried."""
        self._seconds.labels("done" if done else "failed").observe(seconds)
