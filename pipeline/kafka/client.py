"""Settings in, kafka-python clients with bounded patience out; what they raise sorted into ours."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import AuthorizationError, KafkaConfigurationError, KafkaError, KafkaTimeoutError
from kafka.partitioner import DefaultPartitioner

from pipeline.config.settings import Settings
from pipeline.kafka.batches.kafka_python_fetches import check_fetches
from pipeline.kafka.connectivity import REFUSALS, NetworkClient, check_reachable, reason
from pipeline.kafka.fetch_wait import FETCH_WAIT_MS
from pipeline.kafka.placement import HASHES
from pipeline.kafka.security import access, tls_context
from pipeline.runtime.errors import TransientError, UsageError
from schemas.topics import PartitionerName

CLIENT_ID = "turnfold"
DEMANDS = "TURNFOLD_KAFKA_SECURITY, _SASL_MECHANISM, _USER, _PASSWORD and _CERTIFICATE"
PATIENCE = 10.0
"""Seconds that Kafka has to answer a request, and seconds to be found at all."""
HEADROOM = 65_536
"""Bytes that key, headers and framing may add to the largest value."""


class Reader(KafkaConsumer):  # type: ignore[misc]  # kafka-python carries no types
    """kafka-python's consumer, which decodes only what is checked, and knows where each partition `ends`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ends = check_fetches(self)


@contextmanager
def open_admin(settings: Settings, patience: float = PATIENCE) -> Iterator[KafkaAdminClient]:
    """An admin client for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    with translate_errors(settings):
        client = _open(KafkaAdminClient, settings, patience, {})
        try:
            yield client
        finally:
            client.close()


@contextmanager
def open_consumer(settings: Settings, patience: float = PATIENCE, **options: Any) -> Iterator[Reader]:
    """A consumer that belongs to no group and commits nothing, for a `with` block; `options` are kafka-python's own.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    ours = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # what retention took away is stepped over
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "enable_incremental_fetch_sessions": False,  # else a partition without news is not answered for
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "metrics_enabled": False,
    }
    with translate_errors(settings):
        client = _open(Reader, settings, patience, {**ours, **options})
        try:
            yield client
        finally:
            client.close(autocommit=False)


def open_producer(settings: Settings, patience: float = PATIENCE, **options: object) -> KafkaProducer:
    """A producer; `options` are kafka-python's own. Whoever calls closes it."""
    ours = {
        "acks": "all",
        "enable_idempotence": settings.kafka_idempotence,
        "allow_auto_create_topics": False,
        "max_block_ms": int(patience * 1000),
        "max_request_size": settings.max_message_bytes + HEADROOM,
        "partitioner": SessionPartitioner(settings.partitioner),
        "metrics_enabled": False,
    }
    with translate_errors(settings):
        return _open(KafkaProducer, settings, patience, {**ours, **options})


@contextmanager
def translate_errors(settings: Settings) -> Iterator[None]:
    """What kafka-python raises in the block, as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        yield
    except (AuthorizationError, KafkaConfigurationError) as refused:
        raise UsageError(f"Kafka at {servers} refuses: {reason(refused)}") from refused
    except REFUSALS as refused:
        raise UsageError(
            f"Kafka at {servers} does not let us in ({reason(refused)}): {DEMANDS} should be what it demands"
        ) from refused
    except ssl.SSLCertVerificationError as untrusted:
        raise UsageError(
            f"Kafka at {servers} shows a certificate that is not trusted ({untrusted.verify_message}): "
            "TURNFOLD_KAFKA_CA should name the file of the authorities that vouch for it"
        ) from untrusted
    except ssl.SSLError as trouble:
        raise TransientError(f"Kafka at {servers} does not answer over TLS: {reason(trouble)}") from trouble
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {servers} does not answer: {reason(error)}") from error


class SessionPartitioner(DefaultPartitioner):  # type: ignore[misc]  # kafka-python carries no types
    """kafka-python's own partitioner, with another hash where the settings say so."""

    def __init__(self, name: PartitionerName) -> None:
        self._hash = HASHES[name]

    def partition(self, topic: str, key: Any, serialized_key: bytes | None, *others: Any) -> int:
        """Choose the partition of the key; without a key, any."""
        *_, cluster = others
        partitions = cluster.partitions_for_topic(topic)
        if serialized_key is None or not partitions:
            chosen: int = super().partition(topic, key, serialized_key, *others)
            return chosen
        return self._hash(serialized_key) % len(partitions)


def _open(kind: Callable[..., Any], settings: Settings, patience: float, options: dict[str, Any]) -> Any:
    """A client of that kind. One that does not find Kafka would go on looking in a thread: it is closed."""
    opened: list[NetworkClient] = []

    def network(**configuration: object) -> NetworkClient:
        opened.append(NetworkClient(**configuration))
        return opened[0]

    tls = tls_context(settings)
    check_reachable(settings.kafka, tls, patience)
    try:
        return kind(
            bootstrap_servers=list(settings.kafka),
            client_id=CLIENT_ID,
            bootstrap_timeout_ms=int(patience * 1000),
            request_timeout_ms=int(patience * 1000),
            reconnect_backoff_max_ms=1000,
            kafka_client=network,
            **access(settings, tls),
            **options,
        )
    except BaseException as wrong:
        for client in opened:
            client.close()
        if isinstance(wrong, KafkaTimeoutError) and opened:
            trouble = opened[0].search.trouble or "it hangs up or says nothing"
            raise KafkaTimeoutError(
                f"{reason(wrong)}: {trouble}; is TURNFOLD_KAFKA_SECURITY={settings.kafka_security} what it demands?"
            ) from wrong
        raise
