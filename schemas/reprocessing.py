"""What is kept of replays, rebuilds and backfills: jobs, their work units, and how far each has come."""

import enum

import msgspec

from schemas.columns import Flag, Payload, Text


class SavedState(msgspec.Struct, frozen=True, gc=False):
    """The row of table `runs`; the server adds the time. `state` is JSON: a Run where `unit` is empty, else a Unit."""

    run: Text
    unit: Text
    into_live: Flag
    state: Payload


class JobKind(enum.StrEnum):
    """Where events are read again."""

    REPLAY = "replay"
    """From a topic of Kafka."""
    REBUILD = "rebuild"
    """From the archive."""
    BACKFILL = "backfill"
    """From files."""


class Target(enum.StrEnum):
    """Where they go."""

    LIVE = "live"
    """The tables that are queried."""
    NEW = "new"
    """Tables beside them, to be swapped in."""
    KAFKA = "kafka"
    """The topics, as live traffic does."""


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """What decides on the outcome beside the events: the version of Turnfold, and settings of the fold and redaction.

    Where nothing is redacted it is written as it was before there was redaction.
    """

    version: str
    fallback_intents: tuple[str, ...]
    redaction: tuple[str, ...] = ()


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for; the same job is the same run, so that asking again goes on with it. Times in ms.

    A window is one of a replay by the time of the record, and of a rebuild by the time of the event.
    """

    kind: JobKind
    into: Target
    rules: Rules
    topic: str = ""
    bot_id: str | None = None
    since: int | None = None
    until: int | None = None
    paths: tuple[str, ...] = ()


Position = tuple[int | str, ...]
"""How far a source is read, in its own words."""


class Source(msgspec.Struct, frozen=True):
    """A part of what is read, which one process reads at a time; `name` tells it from the others of its run.

    `of` is the number of a partition, a bot, or a path; `begin` and `end` bound what is read of it: offsets, a session
    and a request, or how many inputs. Empty is no bound. `total` is how much that is, in records, events or bytes.
    """

    name: str
    of: str
    begin: Position
    end: Position
    total: int


class Phase(enum.StrEnum):
    """How far a run is."""

    FILLING = "filling"
    FILLED = "filled"
    SWAPPING = "swapping"
    DONE = "done"


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a whole. `begun` in ms; UUIDs of the tables that it fills (`new`), and swaps out (`tables`)."""

    job: Job
    begun: int
    phase: Phase = Phase.FILLING
    new: dict[str, str] = {}
    tables: dict[str, str] = {}


class JobCounts(msgspec.Struct):
    """What a part has come to: `valid` entries, `dead` ones that were none, inputs that `failed` to be read or sent.

    Of the valid entries, `forgotten` ones were dropped, as their sessions are. Conversations count once a batch: one
    that spans two batches counts twice.
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
    """Of the source's `total`."""

    def add(self, other: "JobCounts") -> None:
        """Count `other` too."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class WorkUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A source and how far it is read. `owner` is the process at work on it: host, process id and a random word."""

    source: Source
    position: Position
    counts: JobCounts
    owner: str = ""
    finished: bool = False
