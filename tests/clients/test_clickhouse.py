"""ClickHouse's clients for Go, Java and JavaScript use the embedded engine as they would a server, password and all."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import services
from tests.clients.tools import HERE, INSTALLED_WITHIN, require, run, with_packages

PASSWORD = "s3cret"
SHORT_LIVED = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Options that halve the CPU of a short run of Java."""
FIRST_TIME = 900
"""Seconds: a compiler that has nothing in its cache takes its time."""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An engine that asks for a password."""
    environ = {"TURNFOLD_CLICKHOUSE_PASSWORD": PASSWORD}
    with services.clickhouse(tmp_path_factory.mktemp("clients"), environ) as address:
        yield address


@pytest.mark.timeout(FIRST_TIME)
def test_clickhouse_go_reads_native_in_each_compression(url: str, tmp_path: Path) -> None:
    require("go")
    run(["go", "build", "-o", str(tmp_path / "program"), "."], HERE / "clickhouse_go", FIRST_TIME)
    address = url.removeprefix("http://")
    assert run([str(tmp_path / "program"), address, "default", "default", PASSWORD], tmp_path) == "fine\n"


@pytest.mark.timeout(FIRST_TIME)
def test_jdbc_compresses_and_cancels(url: str) -> None:
    require("java", "mvn")
    folder = HERE / "clickhouse_jdbc"
    jars = ["mvn", "--quiet", "--batch-mode", "dependency:copy-dependencies", "-DoutputDirectory=target/lib"]
    if not (folder / "target" / "lib").exists():
        run(jars, folder, INSTALLED_WITHIN)
    program = ["java", *SHORT_LIVED, "-cp", "target/lib/*", "Program.java"]
    assert run([*program, f"jdbc:clickhouse:{url}/default", "default", PASSWORD], folder) == "fine\n"


@pytest.mark.timeout(FIRST_TIME)
def test_the_client_for_javascript_streams_and_cancels(url: str) -> None:
    folder = with_packages("clickhouse_js")
    assert run(["node", "program.mjs", url, "default", "default", PASSWORD], folder).endswith("fine\n")
