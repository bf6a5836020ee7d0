"""Define the options of an embedded stack, and the settings of its processes that follow from them."""

from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from agents.embedded.data_folder import read_or_create_secret
from agents.embedded.programs import HOST
from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import check_port_free

SESSION_SECONDS = 6.0
"""The session time-out. The embedded broker delays the first JoinGroup by half of it, so a short one starts sooner."""
FETCH_WAIT_SECONDS = 0.1
"""Seconds that the embedded broker may hold a fetch. It looks for new records only a few times in that time: an event
waits 17 ms for it (p50; 50 at most), and at Faust's own 1.5 s it would wait 390 (710)."""
BUSY_FETCH_WAIT_SECONDS = 0.02
"""Seconds while events come, which then wait for 3 ms (p50; 10 at most). That an idle worker looks as often would
double its CPU time."""
OWN_BROKER = {
    "TURNFOLD_KAFKA_SESSION_TIMEOUT": str(SESSION_SECONDS),
    "TURNFOLD_KAFKA_FETCH_WAIT": str(FETCH_WAIT_SECONDS),
    "TURNFOLD_KAFKA_FETCH_WAIT_BUSY": str(BUSY_FETCH_WAIT_SECONDS),
    "TURNFOLD_KAFKA_IDEMPOTENCE": "false",  # the embedded broker refuses it to aiokafka
    "TURNFOLD_KAFKA_SECURITY": "PLAINTEXT",
    "TURNFOLD_KAFKA_USER": "",
    "TURNFOLD_KAFKA_PASSWORD": "",
    "TURNFOLD_KAFKA_CA": "",
    "TURNFOLD_KAFKA_CERTIFICATE": "",
    "TURNFOLD_KAFKA_KEY": "",
    "TURNFOLD_TOPIC_REPLICATION": "1",
    "TURNFOLD_TOPIC_MIN_INSYNC": "0",
}
"""Settings for the embedded broker, which override those of the shell."""
OWN_ENGINE = {"TURNFOLD_CLICKHOUSE_CA": "", "TURNFOLD_CLICKHOUSE_CLUSTER": ""}
"""Settings for the embedded engine, which override those of the shell."""


@dataclass(frozen=True, slots=True)
class Options:
    """The data folder, ports and parts of an embedded stack."""

    data: Path
    api_port: int
    receive_port: int
    kafka_port: int
    clickhouse_port: int
    workers: int
    demo: bool
    open: bool = False
    """True if everybody on this machine has access without credentials."""
    kafka: str = ""
    """HOST:PORT of an external Kafka; if empty, the stack has a broker of its own."""
    clickhouse: str = ""
    """URL of an external ClickHouse; if empty, the stack has an engine of its own."""

    def addresses(self) -> dict[str, str]:
        """Return the settings with the stack's addresses."""
        return {
            "TURNFOLD_KAFKA": self.kafka or f"{HOST}:{self.kafka_port}",
            "TURNFOLD_CLICKHOUSE": self.clickhouse or f"http://{HOST}:{self.clickhouse_port}",
            "TURNFOLD_API": f"http://{HOST}:{self.api_port}",
        }

    def environ(self) -> dict[str, str]:
        """Return the settings for every process of this stack."""
        return {
            **self.addresses(),
            **({} if self.kafka else OWN_BROKER),
            **({} if self.clickhouse else OWN_ENGINE),
            "TURNFOLD_API_HOST": HOST,
            "TURNFOLD_API_PORT": str(self.api_port),
            "TURNFOLD_RECEIVE_HOST": HOST,
            "TURNFOLD_RECEIVE_PORT": str(self.receive_port),
            "TURNFOLD_API_CERTIFICATE": "",  # no traffic leaves this machine
            "TURNFOLD_API_CERTIFICATE_KEY": "",
            "TURNFOLD_API_CA": "",
            "TURNFOLD_WORKER_HOST": HOST,
            "TURNFOLD_WORKER_PORT": "0",  # there may be several workers: each gets a free port
            "TURNFOLD_TOKEN_KEY": read_or_create_secret(self.data / "token.key"),
        }

    def cluster_id(self) -> str:
        """Return the id of the embedded broker's cluster: that of the data folder, on any port and under any host name.

        Otherwise the workers after a restart would take those before it for another group's, and read more of
        ClickHouse as long as topics keep records.
        """
        return read_or_create_secret(self.data / "cluster.id", uuid4().hex)

    def check_ports(self) -> None:
        """Raise UsageError if ports are in use, all of which it names, or one is to be used twice."""
        taken: dict[int, str] = {}
        problems: list[str] = []
        for port, option, embedded in (
            (self.api_port, "--api-port", True),
            (self.receive_port, "--receive-port", True),
            (self.kafka_port, "--kafka-port", not self.kafka),
            (self.clickhouse_port, "--clickhouse-port", not self.clickhouse),
        ):
            if not embedded:
                continue
            if port in taken:
                raise UsageError(f"{taken[port]} and {option} are both {port}: give each a port of its own")
            try:
                check_port_free(HOST, port, option)
            except UsageError as error:
                problems.append(str(error))
            taken[port] = option
        if problems:
            raise UsageError("\n          ".join(problems))
