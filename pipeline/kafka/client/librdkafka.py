"""Options and errors that librdkafka's consumer and producer share."""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from pipeline.config.settings import Settings
from pipeline.kafka.client.connection import CLIENT_ID, SECURITY_SETTINGS, librdkafka_options
from pipeline.runtime.errors import TransientError, UsageError

MIN_SETUP_MS = 1000
"""The shortest time that librdkafka accepts for setting up a connection."""
AUTHENTICATION_ERRORS = {KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED}  # noqa: SLF001 - error codes of librdkafka
AUTHORIZATION_ERRORS = {
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
}
OUTAGE_ENDS_S = 60.0
"""Seconds without an error after which its next occurrence is another outage: librdkafka connects more often."""
VARIABLE = re.compile(r"^\w+ \[[^]]*\] \[[^]]*\]: \S+: | \(after \d.*$")
"""What differs between messages of one error: the client, its thread and connection, and how long that lasted."""


class OutageFilter(logging.Filter):
    """Passes an error once while it lasts: librdkafka logs it for every attempt to connect, some a second."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._last: dict[str, float] = {}
        """Time of the last occurrence of each error, the earliest first."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the error is new."""
        if record.levelno < logging.WARNING:
            return True
        error, now = VARIABLE.sub("", record.getMessage()), record.created
        with self._lock:
            last = self._last.pop(error, None)
            self._last[error] = now
            while now - next(iter(self._last.values())) > OUTAGE_ENDS_S:
                del self._last[next(iter(self._last))]
        return last is None or now - last > OUTAGE_ENDS_S


log = logging.getLogger("librdkafka")
log.addFilter(OutageFilter())


def client_options(settings: Settings, patience: float) -> dict[str, Any]:
    """Return the options of every client: addresses, security, and `patience` in seconds."""
    patience_ms = int(patience * 1000)
    return {
        **librdkafka_options(settings),
        "bootstrap.servers": ",".join(settings.kafka),
        "client.id": CLIENT_ID,
        "socket.timeout.ms": max(patience_ms, MIN_SETUP_MS),
        "socket.connection.setup.timeout.ms": max(patience_ms, MIN_SETUP_MS),
        "reconnect.backoff.max.ms": 1000,
        "topic.metadata.propagation.max.ms": patience_ms // 2,  # the topic exists, or was deleted
        "enable.metrics.push": False,
    }


@contextmanager
def translate_librdkafka_errors(settings: Settings) -> Iterator[None]:
    """Raise confluent_kafka's errors in the block as TransientError or UsageError."""
    servers = ",".join(settings.kafka)
    try:
        yield
    except KafkaException as raised:
        error: KafkaError = raised.args[0]
        if is_authentication_error(error):
            raise UsageError(
                f"Kafka at {servers} refuses the connection ({error.str()}): check {SECURITY_SETTINGS}"
            ) from raised
        if error.code() in AUTHORIZATION_ERRORS or error.code() == KafkaError._INVALID_ARG:  # noqa: SLF001 - as above
            raise UsageError(f"Kafka at {servers} refuses the request: {error.str()}") from raised
        raise TransientError(f"Kafka at {servers} cannot serve the request: {error.str()}") from raised


def is_authentication_error(error: KafkaError) -> bool:
    """Return whether Kafka refuses the user, the password or the certificate."""
    alerted = "alert" in error.str() and "certificate" in error.str()  # ours: the server's was checked before
    return alerted or error.code() in AUTHENTICATION_ERRORS
