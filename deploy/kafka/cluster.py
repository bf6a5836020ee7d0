#!/usr/bin/env python3
"""Run Apache Kafka (KRaft) on loopback, with one broker or three, until SIGTERM or Ctrl-C."""

import argparse
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
TARGET = HERE / "target"
HOST = "127.0.0.1"
CLUSTER_ID = "dHVybmZvbGQta2Fma2EtMQ"
"""Any 16 bytes in base64, the same for every node."""
READY = "Kafka Server started"
STARTED_WITHIN = 90.0
STOPPED_WITHIN = 15.0
"""Seconds until a stopping broker is killed: brokers that stop together lose their majority, and the last one would
wait for it for minutes."""


class StartError(Exception):
    """The cluster cannot run here; the text says why."""


class Node(NamedTuple):
    """A broker that is also a controller, and its two ports."""

    number: int
    port: int
    controller_port: int


class Cluster:
    """Nodes that share a folder, each a process; `processes` holds the started ones, by number."""

    def __init__(self, folder: Path, nodes: Sequence[Node], more: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.nodes = {node.number: node for node in nodes}
        self.processes: dict[int, subprocess.Popen[bytes]] = {}
        self._more = dict(more or {})

    @property
    def addresses(self) -> list[str]:
        """The addresses for clients, as host:port."""
        return [f"{HOST}:{node.port}" for node in self.nodes.values()]

    def properties(self, node: Node) -> dict[str, str]:
        """Return the properties of a node; `more` of the constructor overrides them."""
        copies = len(self.nodes)
        voters = [f"{one.number}@{HOST}:{one.controller_port}" for one in self.nodes.values()]
        listener = f"PLAINTEXT://{HOST}:{node.port}"
        internal = {
            name: str(value)
            for topic in ("transaction.state.log", "share.coordinator.state.topic")
            for name, value in ((f"{topic}.replication.factor", copies), (f"{topic}.min.isr", max(1, copies - 1)))
        }
        return {
            "process.roles": "broker,controller",
            "node.id": str(node.number),
            "controller.quorum.voters": ",".join(voters),
            "controller.listener.names": "CONTROLLER",
            "listeners": f"{listener},CONTROLLER://{HOST}:{node.controller_port}",
            "advertised.listeners": listener,
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.folder / f"node-{node.number}"),
            "auto.create.topics.enable": "false",  # `turnfold migrate` creates them, in the right shape
            "default.replication.factor": str(copies),
            "offsets.topic.replication.factor": str(copies),
            "offsets.topic.num.partitions": "8",
            "group.initial.rebalance.delay.ms": "0",
            "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
            **internal,
            **self._more,
        }

    def start(self) -> None:
        """Format new nodes, start every node that does not run, and wait until all are ready.

        Raises:
            StartError: Kafka or Java is missing, or a node ended; the text has the end of its log.
        """
        marks = {number: self._launch(node) for number, node in self.nodes.items() if not self.runs(number)}
        for number, mark in marks.items():
            self._await_ready(number, mark)

    def runs(self, number: int) -> bool:
        """Return whether the process of a node runs."""
        return number in self.processes and self.processes[number].poll() is None

    def kill(self, number: int) -> None:
        """End a node as a power cut would; `start` starts it again."""
        self.processes[number].kill()
        self.processes[number].wait(STOPPED_WITHIN)

    def stop(self, *numbers: int) -> None:
        """Stop these nodes gracefully, or all nodes."""
        running = [self.processes[number] for number in numbers or self.nodes if self.runs(number)]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + STOPPED_WITHIN
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(STOPPED_WITHIN)

    def log(self, number: int) -> Path:
        """Return the path of a node's log."""
        return self.folder / f"node-{number}.log"

    def _launch(self, node: Node) -> int:
        """Start the process of a node, and return the length of its log before."""
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"node-{node.number}.properties"
        file.touch(mode=0o600)  # `more` may hold passwords
        file.write_text("".join(f"{name}={value}\n" for name, value in self.properties(node).items()))
        log = self.log(node.number)
        with log.open("ab") as output:
            mark = output.tell()
            if not (self.folder / f"node-{node.number}" / "meta.properties").exists():
                formatting = java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(file))
                if subprocess.run(formatting, stdout=output, stderr=output, check=False).returncode:  # noqa: S603 - ours
                    raise StartError(self._log_tail(node.number))
            self.processes[node.number] = subprocess.Popen(  # noqa: S603 - as above
                java("kafka.Kafka", str(file)), stdout=output, stderr=output, start_new_session=True
            )
        return mark

    def _await_ready(self, number: int, mark: int) -> None:
        deadline = time.monotonic() + STARTED_WITHIN
        while READY.encode() not in self.log(number).read_bytes()[mark:]:
            if not self.runs(number) or time.monotonic() > deadline:
                raise StartError(self._log_tail(number))
            time.sleep(0.05)

    def _log_tail(self, number: int) -> str:
        lines = self.log(number).read_text(errors="replace").splitlines()
        last = [line for line in lines if line and not line[0].isspace()][-5:]  # stack frames are indented
        return "\n".join([f"broker {number} does not start; {self.log(number)} ends with:", *last])


def java(*arguments: str) -> list[str]:
    """Return the command line of one of Kafka's programs.

    Raises:
        StartError: Kafka or Java is missing.
    """
    if not (TARGET / "fetched").exists():
        raise StartError("Apache Kafka is not fetched yet: run `make kafka`, which needs Maven")
    if shutil.which("java") is None:
        raise StartError("Apache Kafka needs Java 17 or newer, and `java` is not on the PATH")
    logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
    small = [
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
    ]  # the last two halve the CPU of a short run
    return ["java", *small, "-XX:+ExitOnOutOfMemoryError", logging, "-cp", f"{TARGET / 'dependency'}/*", *arguments]


def run_meanwhile(command: Sequence[str]) -> int:
    """Run a command and return its exit status; signals are passed on, since its shutdown needs the brokers."""
    with subprocess.Popen(command) as process:  # noqa: S603 - given by the caller
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, _: process.send_signal(number))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches the command by itself
        return process.wait()


def main() -> None:
    """Run a cluster until a signal comes."""
    parser = argparse.ArgumentParser(description="Run Apache Kafka on loopback, until SIGTERM or Ctrl-C.")
    parser.add_argument("--data", type=Path, default=Path("data/kafka"), help="folder of all data [%(default)s]")
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1, help="[%(default)s]")
    parser.add_argument("--port", type=int, default=9092, help="port of the first broker, the others follow; "
                        "their controllers listen 100 ports above [%(default)s]")  # fmt: skip
    parser.add_argument("--run", nargs=argparse.REMAINDER, help="a command to run; the cluster stops when it ends")
    options = parser.parse_args()
    nodes = [
        Node(number, options.port + number - 1, options.port + number + 99) for number in range(1, options.brokers + 1)
    ]
    cluster = Cluster(options.data.absolute(), nodes)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        cluster.start()
        if options.run:
            sys.exit(run_meanwhile(options.run))
        print(f"ready: TURNFOLD_KAFKA={','.join(cluster.addresses)}; Ctrl-C stops it", flush=True)  # noqa: T201 - it is a program
        while True:
            signal.pause()
    except StartError as error:
        sys.exit(f"kafka: {error}")
    except KeyboardInterrupt:
        pass
    finally:
        cluster.stop()


if __name__ == "__main__":
    main()
