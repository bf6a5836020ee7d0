"""The image has the tested versions and runs unprivileged: read from its Dockerfile, since no test builds it."""

import re
import shlex

import orjson
import pytest

from tests.deploy.files import DEPLOY, unknown_variables
from tests.paths import ROOT

TEXT = (DEPLOY / "Dockerfile").read_text()
LINES = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", TEXT)).splitlines()
INSTRUCTIONS = [tuple(line.split(maxsplit=1)) for line in LINES if line.strip()]


def arguments_of(instruction: str) -> list[str]:
    return [rest for name, rest in INSTRUCTIONS if name == instruction]


@pytest.fixture(scope="module")
def last_stage() -> list[tuple[str, str]]:
    start = max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
    return [(name, rest) for name, rest in INSTRUCTIONS[start:]]


def test_images_are_pinned_to_the_tested_python() -> None:
    bases = [rest.split()[0] for rest in arguments_of("FROM")]
    assert len(bases) == 2
    assert len(set(bases)) == 1
    assert re.fullmatch(r"python:3\.11\.\d+-slim-bookworm", bases[0])


def test_uv_has_the_version_of_the_lock_file() -> None:
    (version,) = re.findall(r"ghcr\.io/astral-sh/uv:([\d.]+)", TEXT)
    assert f"\nuv=={version} " in (ROOT / "requirements.lock").read_text()


def test_versions_and_hashes_come_from_the_lock_file() -> None:
    (build,) = [rest for rest in arguments_of("RUN") if "uv pip install" in rest]
    words = shlex.split(build.rpartition("uv pip install")[2])
    assert words[words.index("--constraint") + 1] == "requirements.lock"
    assert words[words.index("--build-constraint") + 1] == "requirements.lock"
    assert words[-1] == ".[aws]"


def test_copied_files_exist_and_are_sent_to_the_builder() -> None:
    allowed = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    for rest in arguments_of("COPY"):
        if rest.startswith("--from"):
            continue
        *sources, _ = rest.split()
        for source in sources:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in allowed, source
    assert "*" in allowed


def test_it_runs_as_an_unprivileged_user(last_stage: list[tuple[str, str]]) -> None:
    (user,) = [rest for name, rest in last_stage if name == "USER"]
    assert int(user) >= 1000
    assert f"--uid {user} " in TEXT
    assert "--create-home" not in TEXT


def test_the_folder_of_keys_belongs_to_its_user_alone(last_stage: list[tuple[str, str]]) -> None:
    """A new volume inherits owner and mode from it."""
    (user,) = [rest for name, rest in last_stage if name == "USER"]
    (folder,) = re.findall(r"TURNFOLD_API_KEYS=(\S+)/[^/\s]+", TEXT)
    assert f"install --directory --owner={user} --mode=0700 {folder}" in " ".join(arguments_of("RUN"))


def test_it_starts_turnfold_and_has_a_health_check(last_stage: list[tuple[str, str]]) -> None:
    told = dict(last_stage)
    assert orjson.loads(told["ENTRYPOINT"]) == ["turnfold"]
    command = orjson.loads(told["HEALTHCHECK"].partition("CMD ")[2])
    assert command == ["python", "-m", "agents.healthcheck"]
    assert (ROOT / "agents" / "healthcheck.py").exists()


def test_the_variables_that_it_sets_are_settings() -> None:
    assert unknown_variables(TEXT) == set()
