"""Every command, setting, file, host name and secret in the compose file exists."""

import re
from typing import Any

import click
import msgspec
import pytest

from agents.cli.main import turnfold
from pipeline.auth.authenticator import check_exposure
from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from tests.deploy.files import DEPLOY, read_yaml, unknown_variables
from tests.paths import ROOT

TEXT = (DEPLOY / "compose.yaml").read_text()
COMPOSE = read_yaml("compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if service["image"].startswith("turnfold:"))
SERVERS = [name for name in OURS if name != "keys"]
"""Services of Turnfold that start by default."""
IMAGE = dict(re.findall(r"(TURNFOLD_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text()))
"""The settings of the image."""
SECRETS = ("TURNFOLD_CLICKHOUSE_PASSWORD", "TURNFOLD_TOKEN_KEY", "GRAFANA_PASSWORD")

KEYS = {
    *("image", "build", "command", "environment", "env_file", "volumes", "ports", "depends_on", "healthcheck"),
    *("restart", "deploy", "ulimits", "stop_grace_period", "init", "read_only", "tmpfs", "cap_drop", "security_opt"),
    *("logging", "profiles", "entrypoint", "network_mode", "secrets"),
}
"""Members of a service in the compose specification that this file uses."""


def test_it_has_all_services() -> None:
    assert set(SERVICES) == {
        *("kafka", "clickhouse", "migrate", "worker", "query", "receive", "keys", "prometheus", "grafana")
    }
    assert OURS == ["keys", "migrate", "query", "receive", "worker"]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_known_members_only(name: str) -> None:
    assert set(COMPOSE) == {"name", "x-turnfold", "services", "secrets", "volumes"}
    service = SERVICES[name]
    assert set(service) <= KEYS
    assert service["restart"] in ({"no"} if "profiles" in service else {"unless-stopped", "on-failure:5"})
    for value in service["environment"].values() if "environment" in service else ():
        assert isinstance(value, str | int), "YAML reads a bare true or a port as another type"
    for condition in service.get("depends_on", {}).values():
        assert condition["condition"] in {"service_healthy", "service_completed_successfully"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_an_exact_version(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].rpartition(":")
    assert image
    assert re.fullmatch(r"v?\d+\.\d+\.\d+(\.\d+)?", tag), tag


def test_our_image_has_this_version() -> None:
    (version,) = re.findall(r'(?m)^version = "(.+)"', (ROOT / "pyproject.toml").read_text())
    assert {SERVICES[name]["image"] for name in OURS} == {f"turnfold:{version}"}
    assert f"--tag turnfold:{version}" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize("name", OURS)
def test_our_commands_exist(name: str) -> None:
    command: click.Command = turnfold
    for word in [*SERVICES[name].get("entrypoint", ["turnfold"])[1:], *SERVICES[name]["command"]]:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), word)
        assert found is not None, word
        command = found


@pytest.mark.parametrize("name", SERVERS)
def test_our_settings_exist_and_match_the_services(name: str) -> None:
    environ = {variable: str(value) for variable, value in SERVICES[name]["environment"].items()}
    secrets = {variable for variable, value in environ.items() if value.startswith("${")}
    assert secrets <= set(SECRETS)
    settings = load_settings(environ)
    assert settings.kafka == ("kafka:9092",)
    assert settings.clickhouse == "http://clickhouse:8123"
    assert SERVICES["clickhouse"]["environment"]["CLICKHOUSE_USER"] == settings.clickhouse_user
    assert SERVICES["clickhouse"]["environment"]["CLICKHOUSE_DB"] == settings.clickhouse_database
    assert unknown_variables(TEXT) == set()


@pytest.mark.parametrize("name", OURS)
def test_our_processes_are_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["tmpfs"] == ["/tmp"]  # noqa: S108 - Faust asks for a folder there
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True


def test_a_secret_that_is_not_set_stops_the_start() -> None:
    for used in re.findall(r"\$\{([^}]*)\}", TEXT):
        secret, separator, advice = used.partition(":?")
        assert secret in SECRETS
        assert separator
        assert "deploy/.env" in advice
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"/deploy/.env", "/deploy/turnfold.env"} <= set(ignored)


def test_services_wait_for_their_dependencies() -> None:
    def needed(name: str) -> dict[str, str]:
        return {other: how["condition"] for other, how in SERVICES[name].get("depends_on", {}).items()}

    assert needed("migrate") == {"kafka": "service_healthy", "clickhouse": "service_healthy"}
    for name in ("worker", "query", "receive"):
        assert needed(name) == {"migrate": "service_completed_successfully"}
    for name in SERVICES:
        assert set(needed(name)) <= set(SERVICES)


def test_every_server_has_a_health_check() -> None:
    """Workers and query layers use that of their image."""
    for name in ("kafka", "clickhouse", "prometheus", "grafana"):
        command, *rest = SERVICES[name]["healthcheck"]["test"]
        assert command == "CMD"
        assert rest
    assert all(SERVICES[name]["healthcheck"] == {"disable": True} for name in ("migrate", "keys"))
    assert all("healthcheck" not in SERVICES[name] for name in ("worker", "query", "receive"))


def test_ports_are_published_on_loopback_only() -> None:
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")
    assert "ports" not in SERVICES["worker"], "several workers cannot share a port of the host"


def test_the_query_layer_requires_keys() -> None:
    """In the image the query layer listens on every address, which it refuses to do without keys."""
    settings = load_settings({**IMAGE, **SERVICES["query"]["environment"]})
    with pytest.raises(UsageError):
        check_exposure(msgspec.structs.replace(settings, api_keys=""))
    check_exposure(settings)
    folder, name = settings.api_keys.rsplit("/", 1)
    assert name
    assert SERVICES["query"]["volumes"] == [f"keys:{folder}:ro"]
    assert SERVICES["receive"]["volumes"] == [f"keys:{folder}:ro"]


def test_only_the_keys_service_can_write_keys_and_it_can_do_nothing_else() -> None:
    keys = SERVICES["keys"]
    kept = {**IMAGE, **keys["environment"]}["TURNFOLD_API_KEYS"]
    assert kept == {**IMAGE, **SERVICES["query"]["environment"]}["TURNFOLD_API_KEYS"]
    assert keys["volumes"] == [f"keys:{kept.rpartition('/')[0]}"]
    assert set(keys["environment"]) == {"TURNFOLD_API_KEYS"}, "no password of another service"
    assert keys["network_mode"] == "none"
    assert keys["profiles"] == ["keys"], "it does not start by default"
    mounting = {name for name, service in SERVICES.items() for volume in service.get("volumes", ()) if "keys" in volume}
    assert mounting == {"keys", "query", "receive"}


def test_only_prometheus_gets_its_token_and_can_read_it() -> None:
    assert [name for name, service in SERVICES.items() if "secrets" in service] == ["prometheus"]
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert secret["mode"] & 0o004, "the file belongs to root, and Prometheus runs as nobody"
    assert set(COMPOSE["secrets"]) == {secret["source"]}
    assert set(COMPOSE["secrets"][secret["source"]]) == {"environment"}
    assert "read_only" not in SERVICES["prometheus"], "compose could not copy the secret in"


def test_a_worker_has_time_to_stop() -> None:
    """A worker exits by itself after three times its stop time, a query layer sooner."""
    for name, times in (("worker", 3), ("query", 2), ("receive", 2)):
        assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) > times * Settings().stop_seconds


def test_files_and_volumes_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert (DEPLOY / source).exists() if source.startswith(".") else source in COMPOSE["volumes"], source
    for name in OURS:
        build = SERVICES[name]["build"]
        assert (DEPLOY / build["context"] / build["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
        assert SERVICES[name]["env_file"] == [{"path": "turnfold.env", "required": False}]


def test_kafka_listens_on_its_advertised_addresses() -> None:
    environ = SERVICES["kafka"]["environment"]
    listeners = dict(part.split("://") for part in environ["KAFKA_LISTENERS"].split(","))
    advertised = dict(part.split("://") for part in environ["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert advertised["INSIDE"] == "kafka:9092"
    assert listeners["INSIDE"].endswith(":9092")
    (published,) = SERVICES["kafka"]["ports"]
    assert published == f"{advertised['OUTSIDE']}:{listeners['OUTSIDE'].lstrip(':')}"
    assert set(advertised) | {environ["KAFKA_CONTROLLER_LISTENER_NAMES"]} == set(listeners)
    assert environ["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"


def test_kafka_has_the_tested_version() -> None:
    (tested,) = re.findall(r"<kafka\.version>(.+)</kafka\.version>", (DEPLOY / "kafka" / "pom.xml").read_text())
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{tested}"
