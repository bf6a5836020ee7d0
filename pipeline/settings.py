"""Environment variables in, one frozen and checked `Settings` out; a wrong one is named with what would be right."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from pipeline.errors import UsageError
from schemas.topics import DAY_MS, Topic

PREFIX = "TURNFOLD_"

Whole = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1024)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
ClusterName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z_][A-Za-z0-9_.-]*)?$")]
"""It is written into statements, which take no parameter there."""
Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A text that is never shown, neither in a log nor in a traceback."""


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
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """What Kafka demands: TLS (SSL), user and password (SASL), both or neither."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How user and password are told to Kafka; PLAIN sends the password itself."""
    kafka_user: str = ""
    """Kafka's user, where SASL is demanded."""
    kafka_password: Secret = ""
    """That user's password."""
    kafka_ca: str = ""
    """The file of the authorities (PEM) that vouch for Kafka; empty: those that this machine trusts."""
    kafka_certificate: str = ""
    """The file of our own certificate (PEM), where Kafka demands one."""
    kafka_key: str = ""
    """The file of that certificate's key (PEM); empty: the certificate's file holds it too."""
    kafka_idempotence: bool = False
    """Whether producers are idempotent, so that a retry doubles nothing. Apache Kafka can; the embedded broker
    cannot for workers. Either way a doubled event changes no answer."""
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
    topic_min_insync: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Replicas that must hold a message before it counts as sent; 0: one fewer than there are."""
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
    clickhouse_password: Secret = ""
    """That user's password."""
    clickhouse_ca: str = ""
    """The file of the authorities (PEM) that vouch for ClickHouse, beside those that this machine trusts."""
    clickhouse_cluster: ClusterName = ""
    """The cluster's name in ClickHouse's configuration, whose tables are sharded and replicated; empty: one server."""
    clickhouse_timeout: Seconds = 30.0
    """Seconds after which a statement is given up, and tried again where it may be."""

    flush_seconds: Seconds = 0.5
    """The least time between two flushes of a worker: it bounds the inserts a second and table."""
    flush_events: Whole = 12_000
    """Events that make a flush at once, however long ago the last one was."""
    cache_events: Annotated[int, msgspec.Meta(ge=0)] = 200_000
    """Events of recent conversations that a worker holds in memory."""
    stop_seconds: Seconds = 10.0
    """Seconds that a stopping worker may take to finish what it has in hand."""
    dead_letter_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """A worker stops when more than this share of its last inputs are dead letters; 1: it never does."""
    dead_letter_window: Whole = 20_000
    """How many of its last inputs that share is taken of."""
    worker_host: str = "127.0.0.1"
    """The address on which a worker answers /metrics, /healthz and /readyz."""
    worker_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """The port for them; 0: any free one, which the worker's log names."""

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
    token_key: Secret = ""
    """The secret that signs page tokens; empty: one of this process alone, so tokens end with it."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """What is logged: from this level on. Libraries are heard from warning on, unless it is debug."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """How it is logged: as text, as JSON (one object a line), or auto: text on a terminal, JSON elsewhere."""

    @property
    def topics(self) -> tuple[Topic, Topic, Topic]:
        """The raw, the turns and the dead-letter topic, as they should be."""
        retention = int(self.topic_retention_days * DAY_MS)
        copies = (self.topic_replication, self.topic_min_insync or max(1, self.topic_replication - 1))
        return (
            Topic(self.topic_raw, self.topic_partitions, *copies, retention, self.max_message_bytes),
            Topic(self.topic_turns, self.topic_partitions, *copies, retention, self.max_message_bytes),
            # a dead letter is the raw bytes and some headers, and is wanted for longer
            Topic(self.topic_dead, 1, *copies, -1, self.max_message_bytes + 65_536),
        )

    @property
    def kafka_tls(self) -> bool:
        """Whether Kafka is spoken to over TLS."""
        return self.kafka_security.endswith("SSL")

    @property
    def kafka_sasl(self) -> bool:
        """Whether Kafka is told a user and a password."""
        return self.kafka_security.startswith("SASL")

    def idle_ttl_of(self, bot_id: str) -> float:
        """Seconds after its last event at which a conversation of this bot counts as Dropped."""
        return self.idle_ttl_bots.get(bot_id, self.idle_ttl)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Every setting, secrets blotted out."""
        values = [(field, getattr(self, field.name)) for field in msgspec.structs.fields(self)]
        return [(field.name, "***" if value and field.type == Secret else value) for field, value in values]


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
    settings = Settings(**values)
    for does_not_go, sentence in _combinations(settings):
        if does_not_go:
            raise UsageError(sentence)
    return settings


def variables() -> list[str]:
    """The names of all variables that are read."""
    return [PREFIX + f.name.upper() for f in msgspec.structs.fields(Settings)]


def _combinations(settings: Settings) -> Iterator[tuple[object, str]]:
    """What does not go together, where it is so, and what would be right."""
    names = [topic.name for topic in settings.topics]
    yield (
        "" in names or len(set(names)) < len(names),
        f"the topics need three names, not {', '.join(map(repr, names))}: TURNFOLD_TOPIC_RAW, _TURNS and _DEAD",
    )
    security = f"TURNFOLD_KAFKA_SECURITY={settings.kafka_security}"
    account = (settings.kafka_user, settings.kafka_password)
    files = (settings.kafka_ca, settings.kafka_certificate, settings.kafka_key)
    yield settings.kafka_sasl and not all(account), f"{security} needs TURNFOLD_KAFKA_USER and TURNFOLD_KAFKA_PASSWORD"
    yield (
        not settings.kafka_sasl and any(account),
        (
            f"TURNFOLD_KAFKA_USER and TURNFOLD_KAFKA_PASSWORD are not told to Kafka with {security}: "
            "set it to SASL_SSL, or to SASL_PLAINTEXT where there is no TLS"
        ),
    )
    yield (
        not settings.kafka_tls and any(files),
        (f"TURNFOLD_KAFKA_CA, _CERTIFICATE and _KEY have no use with {security}: set it to SSL or SASL_SSL"),
    )
    yield (
        settings.kafka_key and not settings.kafka_certificate,
        ("TURNFOLD_KAFKA_KEY is the key of a certificate: set TURNFOLD_KAFKA_CERTIFICATE too"),
    )
    yield (
        settings.topic_min_insync > settings.topic_replication,
        (
            f"TURNFOLD_TOPIC_MIN_INSYNC={settings.topic_min_insync} is more than the replicas there are: "
            f"TURNFOLD_TOPIC_REPLICATION={settings.topic_replication}"
        ),
    )
    yield (
        "@" in settings.clickhouse,
        ("TURNFOLD_CLICKHOUSE holds a user: user and password go into TURNFOLD_CLICKHOUSE_USER and _PASSWORD"),
    )
    yield (
        not _is_web_address(settings.clickhouse),
        (
            f"TURNFOLD_CLICKHOUSE={settings.clickhouse!r} is no address; right would be http://host:8123 or https://host:8443"
        ),
    )
    yield (
        settings.clickhouse_ca and not settings.clickhouse.startswith("https://"),
        ("TURNFOLD_CLICKHOUSE_CA has no use without TLS: TURNFOLD_CLICKHOUSE should begin with https://"),
    )


def _is_web_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:  # the port is no number, or a bracket is missing
        return False


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
