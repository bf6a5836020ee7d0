"""Settings in, kafka-python clients with bounded patience out; what they raise sorted into ours."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import AuthorizationError, KafkaConfigurationError, KafkaError
from kafka.net.compat import KafkaNetClient

from pipeline.errors import TransientError, UsageError
from pipeline.settings import Settings

CLIENT_ID = "turnfold"
PATIENCE = 10.0
"""Seconds that Kafka has to answer a request, and seconds to be found at all."""
HEADROOM = 65_536
"""Bytes that key, headers and framing may add to the largest value."""


@contextmanager
def admin(settings: Settings, patience: float = PATIENCE) -> Iterator[KafkaAdminClient]:
    """An admin client for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    with sorted_errors(settings):
        client = _open(KafkaAdminClient, settings, patience, {})
        try:
            yield client
        finally:
            client.close()


@contextmanager
def reader(settings: Settings, patience: float = PATIENCE) -> Iterator[KafkaConsumer]:
    """A consumer that belongs to no group and commits nothing, for the length of a `with` block.

    Raises:
        TransientError: Kafka does not answer within `patience` seconds. UsageError: it refuses us.
    """
    options = {
        "group_id": None,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",  # what retention took away is stepped over
        "allow_auto_create_topics": False,
        "fetch_max_wait_ms": 100,  # a fetch at the end of a partition waits this long for nothing
        "metrics_enabled": False,
    }
    with sorted_errors(settings):
        client = _open(KafkaConsumer, settings, patience, options)
        try:
            yield client
        finally:
            client.close(autocommit=False)


def writer(settings: Settings, patience: float = PATIENCE, **options: object) -> KafkaProducer:
    """A producer; `options` are kafka-python's own. Whoever calls closes it."""
    ours = {
        "acks": "all",
        "allow_auto_create_topics": False,
        "max_block_ms": int(patience * 1000),
        "max_request_size": settings.max_message_bytes + HEADROOM,
        "metrics_enabled": False,
    }
    with sorted_errors(settings):
        return _open(KafkaProducer, settings, patience, {**ours, **options})


@contextmanager
def sorted_errors(settings: Settings) -> Iterator[None]:
    """What kafka-python raises in the block, as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        yield
    except (AuthorizationError, KafkaConfigurationError) as refused:
        raise UsageError(f"Kafka at {servers} refuses: {reason(refused)}") from refused
    except (KafkaError, OSError) as error:
        raise TransientError(f"Kafka at {servers} does not answer: {reason(error)}") from error


def reason(error: BaseException) -> str:
    """What an error says, without its class where it says something of its own."""
    if isinstance(error, OSError):
        return str(error)
    return str(error.args[0]) if error.args else type(error).__name__


def _open(kind: Callable[..., Any], settings: Settings, patience: float, options: dict[str, Any]) -> Any:
    """A client of that kind. One that does not find Kafka would go on looking in a thread: it is closed."""
    opened: list[KafkaNetClient] = []

    def network(**configuration: object) -> KafkaNetClient:
        opened.append(KafkaNetClient(**configuration))
        return opened[0]

    addresses = _addresses(settings.kafka)
    _knock(addresses, patience)
    try:
        return kind(
            bootstrap_servers=list(settings.kafka),
            client_id=CLIENT_ID,
            bootstrap_timeout_ms=int(patience * 1000),
            request_timeout_ms=int(patience * 1000),
            reconnect_backoff_max_ms=1000,
            kafka_client=network,
            **options,
        )
    except BaseException:
        for client in opened:
            client.close()
        raise


def _knock(addresses: list[tuple[str, int]], patience: float) -> None:
    """Make sure that one of the servers takes connections: kafka-python would only tell that it has waited."""
    for number, address in enumerate(addresses, start=1):
        try:
            socket.create_connection(address, timeout=patience).close()
        except OSError:
            if number == len(addresses):
                raise
        else:
            return


def _addresses(servers: tuple[str, ...]) -> list[tuple[str, int]]:
    if not servers:
        raise UsageError("TURNFOLD_KAFKA names no server; right would be host:port, as 127.0.0.1:9092")
    return [_address(server) for server in servers]


def _address(server: str) -> tuple[str, int]:
    host, _, port = server.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65_536:
        raise UsageError(f"TURNFOLD_KAFKA: {server!r} is no address; right would be host:port, as 127.0.0.1:9092")
    return host.removeprefix("[").removesuffix("]"), int(port)
