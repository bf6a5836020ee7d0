"""Every setting with its default and its meaning: what a process is told from outside, once, when it starts."""

from typing import Annotated, Literal

import msgspec

from schemas.topics import DAY_MS, PartitionerName, Topic

Whole = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1024)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Days = Annotated[float, msgspec.Meta(ge=0, le=36_500)]
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
    partitioner: PartitionerName = "murmur2"
    """How the right partition of a session is found on the turns topic, where workers forward what lies in another:
    murmur2 as Java's and Python's clients, crc32 as librdkafka by default, fnv1a as Sarama and kafka-go."""
    topic_replication: Whole = 1
    """Replicas of each topic that `turnfold migrate` creates."""
    topic_min_insync: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Replicas that must hold a message before it counts as sent; 0: one fewer than there are."""
    topic_retention_days: Seconds = 7.0
    """Days that Kafka keeps events; ClickHouse keeps them for good."""
    max_event_bytes: Bytes = 1_048_576
    """The largest accepted log entry; what is larger is a dead letter."""
    max_message_bytes: Bytes = 4_194_304
    """The largest Kafka message: an envelope may hold many entries. It may unpack to 16 times as much."""

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
    cache_events: Annotated[int, msgspec.Meta(ge=0)] = 150_000
    """Events of recent conversations that a worker holds in memory."""
    stop_seconds: Seconds = 10.0
    """Seconds that a stopping worker may take to finish what it has in hand."""
    stuck_seconds: Seconds = 300.0
    """Seconds after which a worker that gets nothing done, though records wait and it waits for nobody, says on
    /healthz that it is stuck; more than any statement to ClickHouse takes."""
    dead_letter_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """A worker stops when of more than this share of its last messages most is no log entry; 1: it never does."""
    dead_letter_window: Whole = 20_000
    """How many of its last messages that share is taken of."""
    worker_host: str = "127.0.0.1"
    """The address on which a worker answers /metrics, /healthz and /readyz."""
    worker_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """The port for them; 0: any free one, which the worker's log names."""

    redact_transcripts: Literal["keep", "mask", "drop"] = "keep"
    """What becomes of the texts that users said and bots answered, before anything is stored."""
    redact_slots: tuple[str, ...] = ()
    """Names of slots whose values are masked before anything is stored; *: all."""
    redact_obfuscated: bool = False
    """Whether slots that Lex has obfuscated, {Name} for a value, are masked wherever else they stand."""
    redact_attributes: tuple[str, ...] = ()
    """Names of session and request attributes whose values are masked before anything is stored; *: all."""
    redact_patterns: tuple[Literal["card", "email", "phone"], ...] = ()
    """What is masked in every text before anything is stored: numbers of payment cards, e-mail addresses, phones."""
    redact_phone_region: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] = "US"
    """The country (ISO 3166) whose phone numbers are known without their +."""
    archive_days: Days = 0.0
    """Days that events are kept in ClickHouse; 0: for good. `turnfold migrate` tells ClickHouse."""
    archive_days_bots: dict[str, Days] = {}
    """The same for single bots, by bot id."""
    conversation_days: Days = 0.0
    """Days that conversations are kept in ClickHouse after their ends; 0: for good."""
    conversation_days_bots: dict[str, Days] = {}
    """The same for single bots, by bot id."""

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
    api_token: Secret = ""
    """The bearer token that it is shown, where it asks for keys; `turnfold keys add --bearer` makes one."""
    api_ca: str = ""
    """The file of the authorities (PEM) that vouch for it, beside those that this machine trusts."""
    api_keys: str = ""
    """The file of the access keys that the query layer asks for, made by `turnfold keys add`; empty: it asks for
    none, and serves loopback only."""
    api_certificate: str = ""
    """The file of the query layer's certificate (PEM), with which it speaks HTTPS; empty: HTTP."""
    api_certificate_key: str = ""
    """The file of that certificate's key (PEM); empty: the certificate's file holds it too."""
    api_origins: tuple[str, ...] = ()
    """Web pages that browsers let read the answers, by origin, such as https://console.example.com; empty: none."""
    api_rate: Annotated[float, msgspec.Meta(gt=0)] = 200.0
    """Requests a second that one key may send, over ten seconds; a key may have a rate of its own."""
    api_concurrent: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Requests of one key that are answered at the same time, others wait for their turn, and not for long; 0: half as
    many as there are processors here, so that whoever asks much leaves room for others."""
    api_audit: str = ""
    """The file in which the query layer writes who asked for what, one JSON object a line; empty: its log."""
    query_seconds: Seconds = 10.0
    """Seconds that ClickHouse may work on one query; what takes longer is refused."""
    query_memory: Bytes = 1_073_741_824
    """Bytes that ClickHouse may take for one query; what takes more is refused."""
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
