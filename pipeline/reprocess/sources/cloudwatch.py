"""Read a log group: windows of time up to now are the sources of a job, and, to follow, an endless one behind them."""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from pipeline.aws.cloudwatch import ExpiredTokenError, LogEvent, LogGroup, Page
from pipeline.config.settings import Settings
from pipeline.reprocess.batch import InputBatch
from pipeline.reprocess.prefetch import prefetch
from pipeline.reprocess.sources.inputs import AwsInput, aws_inputs
from pipeline.runtime.clock import now_ms
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Job, Pull, Source, WorkUnit

HOUR_MS = 3_600_000
MAX_WINDOWS = 20
"""Windows that a span of time is divided into, at most: each costs a request and a row of its own."""
TAIL = "tail"
"""Name of the source that follows."""
REQUESTS_PER_SECOND = 5.0
"""Quota of FilterLogEvents, which an account's processes in a region share."""
OVERLAP_MS = 600_000
"""Milliseconds that are read again while following, as events come late."""
RECENT_MS = 30_000
"""Milliseconds that each poll reads again; OVERLAP_MS are read again only every SETTLE_MS."""
SETTLE_MS = 60_000
POLL_S = 2.0
"""Seconds between two polls."""
KNOWN_EVENTS = 500_000
"""Events that are remembered, so that what is read again is not sent again; forgetting them is harmless."""


def windows(job: Job) -> list[Source]:
    """Return a source for each window of time of the log group, and a last one that follows if the job does.

    Raises:
        UsageError: there is no such log group, or no right to read it. TransientError: AWS does not answer.
    """
    pull, now = pull_of(job), now_ms()
    group = LogGroup(pull.of, pull.stream_prefix)
    since = group.beginning(now) if job.since is None else job.since
    until = now if job.until is None else job.until
    group.page(since, since + 1, limit=1)  # fails now if it would fail later
    length = max(HOUR_MS, -(-(until - since) // MAX_WINDOWS))
    found = [_window(begin, min(begin + length, until)) for begin in range(since, until, length)]
    if pull.follow:
        begin = max(since, until)
        found.append(Source(TAIL, pull.of, (begin, begin), (), 0, tuple(window.name for window in found)))
    return found


def pull_of(job: Job) -> Pull:
    """Return what a job pulls."""
    if not isinstance(job.pull, Pull):
        raise UsageError("this job does not read from AWS")
    return job.pull


class LogGroupReader:
    """Reads windows of a log group; the position in one is a time and the token of the next page."""

    def __init__(self, settings: Settings, job: Job, workers: Callable[[], int]) -> None:
        pull = pull_of(job)
        self._group = LogGroup(pull.of, pull.stream_prefix)
        self._of = pull.of
        self._max_bytes = settings.max_message_bytes
        self._workers = workers
        self._due = 0.0

    def batches(self, unit: WorkUnit, size: int) -> AsyncIterator[InputBatch]:
        """Read the rest of a window, or follow without end; `size` bounds the events of a request.

        Raises:
            UsageError: the log group is gone, or the right to read it. TransientError: AWS does not answer.
        """
        return prefetch(self._follow(unit, size) if unit.source.name == TAIL else self._read_window(unit, size))

    def is_finished(self, unit: WorkUnit) -> bool:
        """Return whether the unit is a window."""
        return unit.source.name != TAIL

    async def successors(self, unit: WorkUnit) -> Sequence[Source]:  # noqa: ARG002 - the protocol's signature
        """Return none."""
        return ()

    def _read_window(self, unit: WorkUnit, size: int) -> Iterator[InputBatch]:
        since, until = int(unit.source.begin[0]), int(unit.source.end[0])
        at, token = int(unit.position[0]), str(unit.position[1])
        if at >= until:
            return
        for page in self._pages(since, until, token, size):
            reached = max([at, *(event.timestamp for event in page.events)]) if page.token else until
            yield self._batch(page.events, (reached, page.token), reached - at, len(page.events), None)
            at = reached

    def _follow(self, unit: WorkUnit, size: int) -> Iterator[InputBatch]:
        """Poll without end; the position is up to where was read, and up to where late events were looked for."""
        read, settled = (int(time) for time in unit.position)
        known: set[str] = set()  # only of this attempt: what an earlier one has read may not have been sent
        looked = 0  # the first poll looks for late events
        while True:
            now = now_ms()
            until = min(now, read + HOUR_MS)  # after an interruption, in steps that can be resumed
            settles = now - looked >= SETTLE_MS
            since = min(settled - OVERLAP_MS if settles else read - RECENT_MS, until - 1)
            found: set[str] = set()
            for page in self._pages(since, until, "", size):
                new = [event for event in page.events if event.id not in known and event.id not in found]
                found.update(event.id for event in page.events)
                if not page.token:
                    read, settled = max(read, until), until if settles else settled
                reached = max((event.timestamp for event in page.events), default=since) if page.token else until
                yield self._batch(new, (read, settled), 0, len(new), max(0, now_ms() - reached))
            # what lies before the overlap is not read again
            known = found if settles or len(known) > KNOWN_EVENTS else known | found
            if until == now:
                looked = now if settles else looked
                time.sleep(POLL_S)

    def _pages(self, since: int, until: int, token: str, size: int) -> Iterator[Page]:
        while True:
            self._pace()
            try:
                page = self._group.page(since, until, token, min(size, 10_000))
            except ExpiredTokenError:
                token = ""  # from the beginning of the window again, which is harmless
                continue
            yield page
            token = page.token
            if not token:
                return

    def _pace(self) -> None:
        """Wait for this process's share of the requests."""
        now = time.monotonic()
        self._due = max(now, self._due + self._workers() / REQUESTS_PER_SECOND)
        time.sleep(self._due - now)

    def _batch(
        self,
        events: Sequence[LogEvent],
        position: tuple[int, str] | tuple[int, int],
        done: int,
        read: int,
        behind: int | None,
    ) -> InputBatch:
        raws: list[AwsInput] = []
        for event in events:
            origin = f"{self._of}/{event.stream} event {event.id}"
            raws += aws_inputs(event.message.encode(errors="surrogatepass"), origin, self._max_bytes)
        return InputBatch(raws, position, done, read, behind=behind)


def _window(begin: int, end: int) -> Source:
    return Source(f"{begin}-{end}", "", (begin, ""), (end,), end - begin)
