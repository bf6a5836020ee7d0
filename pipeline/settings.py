"""Environment variables in, one frozen and checked `Settings` out; a wrong one is named with what would be right."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from pipeline.errors import UsageError
from schemas.topics import DAY_MS, Topic

PREFIX = "TURNFOLD_"

Whole = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1024)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting, with its default. The field `kafka` is read from `TURNFOLD_KAFKA`, and so on.

    Lists are separated by commas: `a,b`; mappings are lists of pairs: `BOTAAAAAA1=600,BOTBBBBBB2=60`.
    """

    kafka: tuple[str, ...] = ("127.0.0.1:9092",)
    """Kafka's bootstrap servers, host:port."""
    kafka_group: str = "turnfold"
    """The consumer group that all workers share."""
    kafka_session_timeout: Seconds = 10.0
    """Seconds after which the broker takes a silent worker's partitions away."""
    topic_raw: str = "turns.raw"
    """The topic for every accepted input form."""
    topic_turns: str = "turns"
    """The topic of log entries keyed by session id."""
    topic_dead: str = "turns.dead"
    """The topic of dead letters."""
    topic_partitions: Whole = 4
    """Partitions of each topic that `turnfold migrate` creates."""
    topic_replication: Whole = 1
    """Replicas of each topic that `turnfold migrate` creates."""
    topic_retention_days: Seconds = 7.0
    """Days that Kafka keeps events; ClickHouse keeps them for good."""
    max_event_bytes: Bytes = 1_048_576
    """The largest accepted log entry; what is larger is a dead letter."""
    max_message_bytes: Bytes = 4_194_304
    """The largest Kafka message: an envelope may hold many entries."""

    clickhouse: str = "http://127.0.0.1:8123"
    """ClickHouse's HTTP address."""
    clickhouse_database: str = "turnfold"
    """The database that holds the tables."""
    clickhouse_user: str = "default"
    """ClickHouse's user."""
    clickhouse_password: str = ""
    """That user's password."""
    clickhouse_timeout: Seconds = 30.0
    """Seconds after which a statement is given up, and tried again where it may be."""

    flush_seconds: Seconds = 0.5
    """The least time between two flushes of a worker: it bounds the inserts a second and table."""
    flush_events: Whole = 20_000
    """Events that make a flush at once, however long ago the last one was."""
    cache_events: Annotated[int, msgspec.Meta(ge=0)] = 500_000
    """Events of recent conversations that a worker holds in memory."""
    stop_seconds: Seconds = 10.0
    """Seconds that a stopping worker may take to finish what it has in hand."""

    fallback_intents: tuple[str, ...] = ("FallbackIntent", "AMAZON.FallbackIntent")
    """Names of intents that end a conversation in Failure."""
    idle_ttl: Seconds = 300.0
    """Seconds after its last event at which an open conversation counts as Dropped."""
    idle_ttl_bots: dict[str, Seconds] = {}
    """The same for single bots, by bot id."""

    api_host: str = "127.0.0.1"
    """The address that the query layer listens on."""
    api_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8080
    """The port that the query layer listens on."""
    api: str = "http://127.0.0.1:8080"
    """The query layer that `turnfold sessions` asks."""
    token_key: str = ""
    """The secret that signs page tokens; empty: one of this process alone, so tokens end with it."""
    log_level: str = "info"
    """debug, info, warning or error."""

    @property
    def topics(self) -> tuple[Topic, Topic, Topic]:
        """The raw, the turns and the dead-letter topic, as they should be."""
        retention = int(self.topic_retention_days * DAY_MS)
        shape = (self.topic_partitions, self.topic_replication, retention)
        return (
            Topic(self.topic_raw, *shape, self.max_message_bytes),
            Topic(self.topic_turns, *shape, self.max_message_bytes),
            # a dead letter is the raw bytes and some headers, and is wanted for longer
            Topic(self.topic_dead, 1, self.topic_replication, -1, self.max_message_bytes + 65_536),
        )

    def idle_ttl_of(self, bot_id: str) -> float:
        """Seconds after its last event at which a conversation of this bot counts as Dropped."""
        return self.idle_ttl_bots.get(bot_id, self.idle_ttl)


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings that `environ` names, defaults elsewhere.

    Raises:
        UsageError: a variable that is unknown or does not fit; the text names it and what would.
    """
    values: dict[str, Any] = {}
    known = {f.name: f for f in msgspec.structs.fields(Settings)}
    for variable, text in sorted(environ.items()):
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in known:
            raise UsageError(f"{variable} is no setting of Turnfold. There are: {', '.join(variables())}")
        try:
            kind = known[name].type
            values[name] = msgspec.convert(_split(text, kind, variable), kind, strict=False)
        except msgspec.ValidationError as wrong:
            raise UsageError(f"{variable}={text!r} does not fit: {wrong}") from None
    return Settings(**values)


def variables() -> list[str]:
    """The names of all variables that are read."""
    return [PREFIX + f.name.upper() for f in msgspec.structs.fields(Settings)]


def _split(text: str, kind: Any, variable: str) -> object:
    origin = getattr(kind, "__origin__", kind)
    if origin not in {tuple, dict}:
        return text.strip()
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if origin is tuple:
        return parts
    pairs = [part.partition("=") for part in parts]
    if any(not separator for _, separator, _ in pairs):
        raise UsageError(f"{variable}={text!r} does not fit: expected pairs such as BOTAAAAAA1=600,BOTBBBBBB2=60")
    return {name.strip(): value.strip() for name, _, value in pairs}
