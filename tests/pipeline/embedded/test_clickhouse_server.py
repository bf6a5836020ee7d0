"""The embedded ClickHouse starts and stops as a process, and says in one line why it cannot start."""

import http.client
import os
import signal
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.runtime.sockets import bind_socket, free_port
from tests.certificates import Certificates
from tests.paths import ROOT
from tests.services import STOPPED_WITHIN, ask, clickhouse, clickhouse_command, clickhouse_process

ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE NOT ignore(number)"


def refused(command: list[str], **environ: str) -> str:
    """What a command says that cannot start."""
    with_environ = {**os.environ, **environ}
    ended = subprocess.run(command, cwd=ROOT, env=with_environ, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


def test_data_outlive_the_process(tmp_path: Path) -> None:
    with clickhouse(tmp_path) as url:
        ask(url, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
        assert ask(url, "INSERT INTO t SELECT number FROM numbers(1000)").text == ""
    with clickhouse_process(tmp_path) as (url, process):
        assert ask(url, "SELECT count(), sum(a) FROM t").text == "1000\t499500\n"
        assert ask(url, "INSERT INTO t FORMAT CSV\n1000\n").text == ""
        process.kill()
        process.wait()
    with clickhouse(tmp_path) as url:
        assert ask(url, "SELECT count(), sum(a) FROM t").text == "1001\t500500\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_the_process_and_frees_folder_and_port(tmp_path: Path, number: signal.Signals) -> None:
    with clickhouse_process(tmp_path) as (url, process):
        process.send_signal(number)
        assert process.wait(STOPPED_WITHIN) == 0
    port = int(url.rpartition(":")[2])
    bind_socket("127.0.0.1", port, "--port").close()
    with clickhouse(tmp_path) as again:
        assert ask(again, "SELECT 1").text == "1\n"


def test_a_stop_while_the_engine_opens_ends_the_process(tmp_path: Path) -> None:
    stop = "def opened(*a, **k): os.kill(os.getpid(), signal.SIGTERM); return engine(*a, **k)\n"
    start = "engine, server.Engine = server.Engine, opened; server.main()"
    script = f"import os, signal, sys; from pipeline.embedded import clickhouse_server as server\n{stop}{start}"
    arguments = ["--path", str(tmp_path), "--port", str(free_port())]
    ended = subprocess.run([sys.executable, "-c", script, *arguments], cwd=ROOT, timeout=STOPPED_WITHIN, check=False)
    assert ended.returncode == 0
    with clickhouse(tmp_path) as url:
        assert ask(url, "SELECT 1").text == "1\n"


def test_a_stop_ends_an_endless_statement_and_its_client_is_told(tmp_path: Path) -> None:
    with clickhouse_process(tmp_path) as (url, process), ThreadPoolExecutor(1) as client:
        endless = client.submit(ask, url, ENDLESS, max_execution_time=0)
        while ask(url, "SELECT count() FROM system.processes").text != "2\n":
            assert process.poll() is None
        process.terminate()
        assert process.wait(STOPPED_WITHIN) == 0
        assert endless.result().code == 394


def test_a_second_process_on_the_folder_is_told_so(tmp_path: Path) -> None:
    with clickhouse(tmp_path) as url:
        said = refused(clickhouse_command(tmp_path, 18123))
        assert said == f"the folder {tmp_path} is in use by another process: stop it, or use another --path\n"
        assert ask(url, "SELECT 1").text == "1\n"


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with bind_socket("127.0.0.1", 0, "--port") as taken:
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(clickhouse_command(tmp_path, port))
    assert said == f"cannot listen on 127.0.0.1:{port} (Address already in use); choose another with --port\n"


def test_a_missing_engine_is_named_with_what_installs_it(tmp_path: Path) -> None:
    hide = "import sys; sys.modules['chdb'] = None; sys.argv[1:] = ['--path', sys.argv[1], '--port', '18123']; "
    start = "from pipeline.embedded.clickhouse_server import main; main()"
    said = refused([sys.executable, "-c", hide + start, str(tmp_path)])
    assert said == "the embedded stack needs the extra: pip install 'turnfold[embedded]'\n"


def test_a_setting_that_does_not_exist_is_named(tmp_path: Path) -> None:
    assert "TURNFOLD_CLICKHOUSE_PASWORD" in refused(
        clickhouse_command(tmp_path, 18123), TURNFOLD_CLICKHOUSE_PASWORD="x"
    )


def test_with_a_password_nobody_else_is_let_in(tmp_path: Path) -> None:
    environ = {"TURNFOLD_CLICKHOUSE_USER": "bot", "TURNFOLD_CLICKHOUSE_PASSWORD": "s3cret"}
    with clickhouse(tmp_path, environ) as url:
        assert ask(url, path="/ping").text == "Ok.\n"
        assert ask(url, "SELECT 1", user="bot", password="s3cret").text == "1\n"
        answer = ask(url, "SELECT 1", user="bot", password="guess")
        assert (answer.status, answer.code) == (403, 516)
        assert "s3cret" not in answer.body.decode()


def test_with_a_certificate_it_is_spoken_to_over_tls_alone(tmp_path: Path, pem: Certificates) -> None:
    with clickhouse(tmp_path, pem=pem) as url:
        assert url.startswith("https://")
        assert ask(url, "SELECT 1", pem=pem).text == "1\n"
        with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
            ask(url, "SELECT 1", pem=pem._replace(ca=pem.strangers))
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(url, "SELECT 1")
        assert ask(url, "SELECT 1", pem=pem).text == "1\n"


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path, pem: Certificates) -> None:
    said = refused(clickhouse_command(tmp_path, 18123, pem._replace(server=pem.ca)))
    assert said.startswith(f"--certificate={pem.ca} cannot be used: ")
