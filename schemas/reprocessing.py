"""Define the saved state of replays, rebuilds, backfills and pulls: jobs, their work units, the progress of each."""

import enum

import msgspec

from schemas.columns import Bool, Bytes, Millis, Str
from schemas.fold_rules import FoldRules


class SavedState(msgspec.Struct, frozen=True, gc=False):
    """A row of table `runs`; the server adds the time.

    `state` is JSON: a `Run` if `unit` is empty, else a `WorkUnit`.
    """

    run: Str
    unit: Str
    into_live: Bool
    state: Bytes


class DatedState(SavedState, frozen=True, gc=False):
    """A row of table `runs` with a time in milliseconds: rows with greater times replace earlier ones."""

    saved: Millis


class JobKind(enum.StrEnum):
    """The source that events are read from."""

    REPLAY = "replay"
    """A Kafka topic."""
    REBUILD = "rebuild"
    """The archive."""
    BACKFILL = "backfill"
    """Files, or objects in S3."""
    CLOUDWATCH = "pull-cloudwatch"
    """A log group of CloudWatch Logs."""
    KINESIS = "pull-kinesis"
    """A Kinesis data stream."""


class Target(enum.StrEnum):
    """The destination of the events."""

    LIVE = "live"
    """The live tables, which are queried."""
    NEW = "new"
    """Shadow tables, which a cutover swaps in."""
    KAFKA = "kafka"
    """The topics, as for live traffic."""


class JobRules(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything but the events that the result depends on: Turnfold's version, settings of the fold and redaction.

    Without redaction, the JSON is the same as before redaction existed.
    """

    version: str
    fallback_intents: tuple[str, ...]
    redaction: tuple[str, ...] = ()

    @property
    def fold(self) -> FoldRules:
        """The rules of the fold."""
        return FoldRules(frozenset(self.fallback_intents))


class Pull(msgspec.Struct, frozen=True, kw_only=True):
    """What a job reads from AWS: the name or ARN `of` a log group or data stream, by the service at `endpoint`.

    A job that has to `follow` never ends by itself.
    """

    of: str
    endpoint: str
    follow: bool
    stream_prefix: str = ""
    latest: bool = False
    """Begin with what comes after the start of the run."""


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A request to reprocess events. The same job gives the same run, so starting it again resumes it. Times in ms.

    `since` and `until` limit a replay by the time of the record, a rebuild and a pull by the time of the event, and a
    backfill by the hour in the keys of S3 objects.
    """

    kind: JobKind
    into: Target
    rules: JobRules
    topic: str = ""
    bot_id: str | None = None
    since: int | None = None
    until: int | None = None
    paths: tuple[str, ...] = ()
    pull: Pull | msgspec.UnsetType = msgspec.UNSET
    """Left out of the JSON where it is not set, so that other jobs keep their names."""

    @property
    def follows(self) -> bool:
        """Return whether the job goes on with what will come."""
        return self.pull is not msgspec.UNSET and self.pull.follow


Position = tuple[int | str, ...]
"""Position within a source; its meaning depends on the kind of source."""


class Source(msgspec.Struct, frozen=True):
    """A part of the input that one process reads at a time; `name` is unique within the run.

    `of` is the number of a partition, a bot id, a path, or a shard. `begin` and `end` bound the part: offsets, a
    session and a request, a number of inputs, keys, or times; empty means no bound. `total` is its size in records,
    events, bytes or ms. It is read once the sources that `after` names are finished. Offsets are those of the topic
    with the id `topic_id`, which is empty if the broker has no ids. A shard begins with the sequence number `first`.
    """

    name: str
    of: str
    begin: Position
    end: Position
    total: int
    after: tuple[str, ...] = ()
    topic_id: str = ""
    first: str = ""


class Phase(enum.StrEnum):
    """The phase of a run."""

    FILLING = "filling"
    FILLED = "filled"
    SWAPPING = "swapping"
    DONE = "done"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a whole. `begun` is in ms; `new` and `tables` are UUIDs of the tables that it fills and replaces."""

    job: Job
    begun: int
    phase: Phase = Phase.FILLING
    new: dict[str, str] = {}
    tables: dict[str, str] = {}


class JobCounts(msgspec.Struct):
    """Counts of a work unit: `valid` entries, `dead` letters, inputs that `failed` to be read or sent.

    Of the valid entries, `forgotten` ones were dropped because their sessions are erased. Conversations are counted
    once per batch: one that spans two batches counts twice.
    """

    read: int = 0
    valid: int = 0
    dead: int = 0
    failed: int = 0
    forgotten: int = 0
    touched: int = 0
    changed: int = 0
    bytes: int = 0
    done: int = 0
    """Amount read of the source's `total`."""

    def add(self, other: "JobCounts") -> None:
        """Add the counts of `other`."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class WorkUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A source and its progress. `owner` is the process that reads it: host, process id and a random word."""

    source: Source
    position: Position
    counts: JobCounts
    owner: str = ""
    finished: bool = False
    behind: int | None = None
    """Milliseconds between the last event that was read and the end of the source, as far as the source tells it."""
