"""Open kafka-python clients with a bounded wait, check what they fetch, and translate their errors."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import AuthorizationError, KafkaConfigurationError, KafkaError, KafkaTimeoutError, RetriableError
from kafka.record import MemoryRecords

from pipeline.config.settings import Settings
from pipeline.kafka.batches.fetch_check import FetchCheck
from pipeline.kafka.client.connection import (
    CLIENT_ID,
    PATIENCE,
    SECURITY_SETTINGS,
    check_reachable,
    kafka_python_options,
    reason,
    tls_context,
    translate_connection_errors,
)
from pipeline.kafka.client.connectivity import REFUSALS, NetworkClient
from pipeline.runtime.errors import TransientError, UsageError

PAUSE = 0.1
"""Seconds between two requests to a cluster that is not ready."""
FETCH_WAIT_MS = 100
"""Milliseconds that a broker may hold a fetch at the end of a partition: readers stop there."""


class TopicReader(KafkaConsumer):  # type: ignore[misc]  # kafka-python carries no types
    """kafka-python's consumer; it decodes only checked batches, and knows where each partition `ends`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.ends = check_fetches(self)


@contextmanager
def open_admin(settings: Settings, patience: float = PATIENCE) -> Iterator[KafkaAdminClient]:
    """Open an admin client for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: Kafka refuses the connection.
    """
    with translate_errors(settings):
        client = _open(KafkaAdminClient, settings, patience, {})
        try:
            yield client
        finally:
            client.close()


@contextmanager
def open_consumer(settings: Settings, patience: float = PATIENCE, **options: Any) -> Iterator[TopicReader]:
    """Open a consumer without a group or commits for a `with` block; `options` are kafka-python's own.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: Kafka refuses the connection.
    """
    defaults = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # skip what retention has deleted
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "enable_incremental_fetch_sessions": False,  # else responses leave out partitions without news
        "fetch_max_wait_ms": FETCH_WAIT_MS,
        "metrics_enabled": False,
    }
    with translate_errors(settings):
        client = _open(TopicReader, settings, patience, {**defaults, **options})
        try:
            yield client
        finally:
            client.close(autocommit=False)


def ask_coordinator(ask: Callable[[], Any], patience: float) -> Any:
    """Return the result of `ask`, a request to a group's coordinator; retry while a new cluster has none yet.

    Raises:
        RetriableError: there is still none after `patience` seconds.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return ask()
        except RetriableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE)


@contextmanager
def translate_errors(settings: Settings) -> Iterator[None]:
    """Raise kafka-python's errors in the block, and those of connections, as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        with translate_connection_errors(settings):
            yield
    except (AuthorizationError, KafkaConfigurationError) as refused:
        raise UsageError(f"Kafka at {servers} refuses the request: {reason(refused)}") from refused
    except REFUSALS as refused:
        raise UsageError(
            f"Kafka at {servers} refuses the connection ({reason(refused)}): check {SECURITY_SETTINGS}"
        ) from refused
    except KafkaError as error:
        raise TransientError(f"Kafka at {servers} does not answer: {reason(error)}") from error


def _open(kind: Callable[..., Any], settings: Settings, patience: float, options: dict[str, Any]) -> Any:
    """Open a client of that kind. If it does not find Kafka, close it, as it would go on looking in a thread."""
    networks: list[NetworkClient] = []

    def network(**configuration: object) -> NetworkClient:
        networks.append(NetworkClient(**configuration))
        return networks[0]

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
            **kafka_python_options(settings, tls),
            **options,
        )
    except BaseException as error:
        for client in networks:
            client.close()
        if isinstance(error, KafkaTimeoutError) and networks:
            last_error = networks[0].connections.last_error or "it closes the connection or does not answer"
            raise KafkaTimeoutError(
                f"{reason(error)}: {last_error}; is TURNFOLD_KAFKA_SECURITY={settings.kafka_security} what it requires?"
            ) from error
        raise


class Ends(NamedTuple):
    """Ends of a partition: the last stable offset, before any open transaction, and the high watermark."""

    stable: int
    high_watermark: int


def check_fetches(consumer: KafkaConsumer) -> dict[TopicPartition, Ends]:
    """Pass all fetch responses of a consumer through a check.

    Returns:
        The ends of each partition, kept up to date as responses arrive.
    """
    check, fetcher = FetchCheck(_decoded), consumer._fetcher  # noqa: SLF001 - kafka-python has no hook
    ends: dict[TopicPartition, Ends] = {}
    parse, states = fetcher._parse_fetched_data, fetcher._subscriptions  # noqa: SLF001 - as above

    def checked(fetch: Any) -> Any:
        partition, offset, response = fetch.topic_partition, fetch.fetched_offset, fetch.partition_data
        is_expected = states.is_fetchable(partition) and states.assignment[partition].position.offset == offset
        if is_expected and not response.error_code:
            ends[partition] = _ends(response)
            response.records = check(partition, offset, bytes(response.records or b""))
        return parse(fetch)

    fetcher._parse_fetched_data = checked  # noqa: SLF001 - as above
    return ends


def _ends(response: Any) -> Ends:
    stable, high_watermark = response.last_stable_offset, response.high_watermark
    return Ends(stable if 0 <= stable <= high_watermark else high_watermark, high_watermark)


def _decoded(batch: bytes) -> Iterator[tuple[int, int, int]]:
    return ((record.offset, record.timestamp, len(record.headers)) for record in MemoryRecords(batch).next_batch())
