"""The whole way where nobody is let in without TLS, a user and a password; and no password in any log."""

from pathlib import Path

import msgspec
import pytest

from tests.agents.cli.command import start, turnfold
from tests.certificates import Certificates
from tests.integration.listing import listed
from tests.integration.processes import in_processes
from tests.integration.stack import PATIENCE
from tests.integration.traffic import expected, lines
from tests.secured_kafka import PASSWORD, SecuredKafka

pytestmark = pytest.mark.apache
CLICKHOUSE_PASSWORD = "s3cret-of-clickhouse"
DOORS = [("SSL", "PLAIN"), ("SASL_PLAINTEXT", "SCRAM-SHA-512"), ("SASL_SSL", "PLAIN")]


@pytest.mark.parametrize(("security", "mechanism"), DOORS)
def test_events_come_through_and_passwords_stay_within(
    tmp_path: Path, apache_kafka: SecuredKafka, pem: Certificates, security: str, mechanism: str
) -> None:
    traffic = lines(seed=31, conversations=40)
    settings = msgspec.structs.replace(
        apache_kafka.settings(security, mechanism),
        kafka_idempotence=True,
        clickhouse_user="bot",
        clickhouse_password=CLICKHOUSE_PASSWORD,
        log_level="debug" if security.startswith("SASL") else "info",  # without a password, libraries tell all
    )
    with in_processes(tmp_path, settings, pem=pem) as stack:
        sent = stack.turnfold("ingest", "-", data=b"\n".join(traffic))
        assert sent.returncode == 0, sent.stderr
        stack.wait_until_folded()
        assert {bot: listed(stack, bot) for bot in expected(traffic)} == expected(traffic)
        assert stack.status()["problems"] == {}
    said = sent.stderr.decode() + "".join(log.read_text() for log in tmp_path.glob("logs/*.log"))
    assert f'"level":"{settings.log_level}"' in said
    assert PASSWORD not in said
    assert CLICKHOUSE_PASSWORD not in said


def test_a_worker_that_is_not_let_in_says_why(apache_kafka: SecuredKafka) -> None:
    settings = msgspec.structs.replace(apache_kafka.settings("SASL_SSL"), kafka_password="a-guess")
    with start(settings, "worker") as process:
        try:
            assert process.stderr
            said = b""
            for line in process.stderr:
                said += line
                if b"Authentication failed" in said:
                    break
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
    assert b"Authentication failed" in said
    assert b"a-guess" not in said


@pytest.mark.parametrize("command", ["migrate", "status", "ingest"])
def test_a_command_that_is_not_let_in_says_why_and_what_would_be_right(
    apache_kafka: SecuredKafka, command: str
) -> None:
    settings = msgspec.structs.replace(apache_kafka.settings("SASL_SSL"), kafka_password="a-guess")
    ended = turnfold(settings, command, *(["-"] if command == "ingest" else []))
    assert "TURNFOLD_KAFKA_SECURITY" in ended.out + ended.err
    assert "a-guess" not in ended.out + ended.err
    assert "Traceback" not in ended.err
