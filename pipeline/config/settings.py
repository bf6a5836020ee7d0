"""Define every setting with its default and its meaning; a process reads them once, when it starts."""

from typing import Annotated, Literal

import msgspec

from schemas.topics import DAY_MS, PartitionerName, Topic

Count = Annotated[int, msgspec.Meta(ge=1)]
Bytes = Annotated[int, msgspec.Meta(ge=1024)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]
Days = Annotated[float, msgspec.Meta(ge=0, le=36_500)]
ClusterName = Annotated[str, msgspec.Meta(pattern=r"^([A-Za-z_][A-Za-z0-9_.-]*)?$")]
"""The name is written into statements at a place where no parameter is possible."""
Secret = Annotated[str, msgspec.Meta(extra={"secret": True})]
"""A text that is never shown, neither in a log nor in a traceback."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings with their defaults. The field `kafka` is read from `TURNFOLD_KAFKA`, and so on.

    Lists are separated by commas: `a,b`; mappings are lists of pairs: `BOTAAAAAA1=600,BOTBBBBBB2=60`.
    """

    kafka: tuple[str, ...] = ("127.0.0.1:9092",)
    """Kafka's bootstrap servers, host:port."""
    kafka_group: str = "turnfold"
    """The consumer group that all workers share."""
    kafka_session_timeout: Seconds = 10.0
    """Seconds without a heartbeat after which the broker reassigns a worker's partitions."""
    kafka_fetch_wait: Seconds = 0.5
    """Seconds that a broker may hold a worker's request for records while there are none; Kafka answers it as soon as
    there are."""
    kafka_fetch_wait_busy: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    """The same while records come, after which it grows; 0: no less. For brokers that look for new records only a few
    times while they hold a request, such as the embedded one."""
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """The security protocol of Kafka: TLS (SSL), user and password (SASL), both or neither."""
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """The SASL mechanism by which user and password are sent; PLAIN sends the password itself."""
    kafka_user: str = ""
    """The user for SASL."""
    kafka_password: Secret = ""
    """The password for SASL."""
    kafka_ca: str = ""
    """The file of the certificate authorities (PEM) that signed Kafka's certificate; empty: those that this machine
    trusts."""
    kafka_certificate: str = ""
    """The file of the client certificate (PEM), if Kafka requires one."""
    kafka_key: str = ""
    """The file of the client certificate's key (PEM); empty: the certificate's file holds it too."""
    kafka_idempotence: bool = False
    """True if producers are idempotent, so that a retry duplicates nothing. Apache Kafka supports it; the embedded
    broker does not for workers. Either way a duplicate event changes no answer."""
    topic_raw: str = "turns.raw"
    """The topic for every accepted input form."""
    topic_turns: str = "turns"
    """The topic of log entries keyed by session id."""
    topic_dead: str = "turns.dead"
    """The topic of dead letters."""
    topic_partitions: Count = 4
    """Partitions of each topic that `turnfold migrate` creates."""
    partitioner: PartitionerName = "murmur2"
    """The hash that decides the partition of a session on the turns topic; workers forward entries of other partitions:
    murmur2 as Java's and Python's clients, crc32 as librdkafka by default, fnv1a as Sarama and kafka-go."""
    topic_replication: Count = 1
    """Replicas of each topic that `turnfold migrate` creates."""
    topic_min_insync: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Replicas that must hold a message before it counts as sent; 0: one fewer than there are replicas."""
    topic_retention_days: Seconds = 7.0
    """Days that Kafka keeps events; ClickHouse keeps them for TURNFOLD_ARCHIVE_DAYS."""
    max_event_bytes: Bytes = 1_048_576
    """The size of the largest accepted log entry in bytes; a larger one is a dead letter."""
    max_message_bytes: Bytes = 4_194_304
    """The size of the largest Kafka message in bytes: an envelope may hold many entries. It may unpack to 16 times as
    much."""

    clickhouse: str = "http://127.0.0.1:8123"
    """The URL of ClickHouse's HTTP interface."""
    clickhouse_database: str = "turnfold"
    """The database that holds the tables."""
    clickhouse_user: str = "default"
    """The user for ClickHouse."""
    clickhouse_password: Secret = ""
    """The password for ClickHouse."""
    clickhouse_ca: str = ""
    """The file of the certificate authorities (PEM) that signed ClickHouse's certificate, besides those that this
    machine trusts."""
    clickhouse_cluster: ClusterName = ""
    """The name in ClickHouse's configuration of the cluster whose tables are sharded and replicated; empty: one
    server."""
    clickhouse_timeout: Seconds = 30.0
    """Seconds after which a statement is given up, and retried if that is safe."""

    flush_seconds: Seconds = 0.5
    """The time between two flushes of a worker in seconds: it bounds the inserts per second and table. One or two
    workers, as long as their flushes take less time, flush up to twice as often."""
    flush_events: Count = 12_000
    """Events that cause a flush at once, however recent the last one was."""
    cache_events: Annotated[int, msgspec.Meta(ge=0)] = 150_000
    """Events of recent conversations that a worker keeps in its conversation cache."""
    stop_seconds: Seconds = 10.0
    """Seconds that a stopping process may take to finish its work in progress."""
    stuck_seconds: Seconds = 300.0
    """Seconds without progress after which a worker reports on /healthz that it is stuck, if records wait and it does
    not wait for another service; more than any statement to ClickHouse takes."""
    dead_letter_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    """The share of its last messages beyond which a worker stops, if most of what they hold is not log entries; 1: it
    never stops."""
    dead_letter_window: Count = 20_000
    """The number of last messages of which TURNFOLD_DEAD_LETTER_SHARE is computed."""
    worker_host: str = "127.0.0.1"
    """The address on which a worker serves /metrics, /healthz and /readyz."""
    worker_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 0
    """The port on which a worker serves them; 0: any free port, which the worker's log names."""

    redact_transcripts: Literal["keep", "mask", "drop"] = "keep"
    """The treatment of the texts of users and bots before anything is stored."""
    redact_slots: tuple[str, ...] = ()
    """Names of slots whose values are masked before anything is stored; *: all."""
    redact_obfuscated: bool = False
    """True if the values of slots that Lex has obfuscated, as {Name}, are masked wherever else they occur."""
    redact_attributes: tuple[str, ...] = ()
    """Names of session and request attributes whose values are masked before anything is stored; *: all."""
    redact_patterns: tuple[Literal["card", "email", "phone"], ...] = ()
    """The kinds of data that are masked in every text before anything is stored: numbers of payment cards, e-mail
    addresses, phone numbers."""
    redact_phone_region: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] = "US"
    """The country (ISO 3166) whose phone numbers are recognised without an international prefix."""
    archive_days: Days = 0.0
    """Days that ClickHouse keeps events; 0: for ever. `turnfold migrate` applies it."""
    archive_days_bots: dict[str, Days] = {}
    """The same for single bots, by bot id."""
    conversation_days: Days = 0.0
    """Days that ClickHouse keeps conversations after their end; 0: for ever."""
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
    api_processes: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Processes in which `turnfold serve` answers on that port, so that it uses more than one processor."""
    api: str = "http://127.0.0.1:8080"
    """The URL of the query layer that commands such as `turnfold sessions` and `metrics` query."""
    api_token: Secret = ""
    """The bearer token that these commands send, if the query layer requires keys; `turnfold keys add --bearer`
    makes one."""
    api_ca: str = ""
    """The file of the certificate authorities (PEM) that signed the query layer's certificate, besides those that this
    machine trusts."""
    api_keys: str = ""
    """The file of the access keys that the query layer requires, made by `turnfold keys add`; empty: it requires none,
    and serves loopback only."""
    api_certificate: str = ""
    """The file of the query layer's certificate (PEM), for HTTPS; empty: HTTP."""
    api_certificate_key: str = ""
    """The file of that certificate's key (PEM); empty: the certificate's file holds it too."""
    api_origins: tuple[str, ...] = ()
    """The origins of web pages that may read answers in a browser (CORS), such as https://console.example.com; empty:
    none."""
    api_rate: Annotated[float, msgspec.Meta(gt=0)] = 200.0
    """Requests per second that one key may send, averaged over ten seconds; a key may have a rate of its own."""
    api_concurrent: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Requests of one key that are answered at the same time; further ones wait for a short time. 0: half the number of
    processors, so that a busy client leaves room for others."""
    api_audit: str = ""
    """The file of the query layer's audit log: who requested what, one JSON object per line; empty: its ordinary
    log."""
    receive_host: str = "127.0.0.1"
    """The address that `turnfold receive` listens on; its keys, certificate and audit log are the query layer's."""
    receive_port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8081
    """The port that `turnfold receive` listens on."""
    receive_bytes: Annotated[int, msgspec.Meta(ge=8_388_608)] = 50_331_648
    """Bytes of events that `turnfold receive` holds at most, until Kafka has them; beyond, senders wait or are told to
    come back."""
    query_seconds: Seconds = 10.0
    """Seconds that ClickHouse may spend on one query; a longer query fails."""
    query_memory: Bytes = 1_073_741_824
    """Bytes of memory that ClickHouse may use for one query; a query that needs more fails."""
    token_key: Secret = ""
    """The secret that signs page tokens; empty: a random one, so that tokens end with the process."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The lowest level that is logged. Libraries log from warning on, unless the level is debug."""
    log_format: Literal["auto", "text", "json"] = "auto"
    """The format of the log: text, JSON (one object per line), or auto: text on a terminal, JSON elsewhere."""

    @property
    def topics(self) -> tuple[Topic, Topic, Topic]:
        """The raw, the turns and the dead-letter topic, as they should be configured."""
        retention = int(self.topic_retention_days * DAY_MS)
        copies = (self.topic_replication, self.topic_min_insync or max(1, self.topic_replication - 1))
        return (
            Topic(self.topic_raw, self.topic_partitions, *copies, retention, self.max_message_bytes),
            Topic(self.topic_turns, self.topic_partitions, *copies, retention, self.max_message_bytes),
            # a dead letter is the raw bytes and some headers, and should be kept longer
            Topic(self.topic_dead, 1, *copies, -1, self.max_message_bytes + 65_536),
        )

    @property
    def kafka_tls(self) -> bool:
        """Return whether connections to Kafka use TLS."""
        return self.kafka_security.endswith("SSL")

    @property
    def kafka_sasl(self) -> bool:
        """Return whether connections to Kafka authenticate with user and password."""
        return self.kafka_security.startswith("SASL")

    def idle_ttl_of(self, bot_id: str) -> float:
        """Return the seconds after its last event at which a conversation of this bot counts as Dropped."""
        return self.idle_ttl_bots.get(bot_id, self.idle_ttl)

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, object]]:
        """Return every setting with its value, secrets replaced by ***."""
        values = [(field, getattr(self, field.name)) for field in msgspec.structs.fields(self)]
        return [(field.name, "***" if value and field.type == Secret else value) for field, value in values]
