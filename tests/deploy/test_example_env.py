"""The example of settings is the settings: every one, with the default that holds and what it means."""

from pipeline.config.load import load_settings, variables
from pipeline.config.settings import Settings
from tests.deploy.example_env import PATH, rendered


def test_it_is_what_the_settings_say() -> None:
    assert PATH.read_text() == rendered(), "write it anew: python -m tests.deploy.example_env"


def test_its_defaults_are_accepted_and_change_nothing() -> None:
    lines = [line.removeprefix("#") for line in PATH.read_text().splitlines() if line.startswith("#TURNFOLD_")]
    named = dict(line.split("=", 1) for line in lines)
    assert list(named) == variables()
    assert load_settings(named) == Settings()


def test_nothing_is_set_by_it() -> None:
    assert [line for line in PATH.read_text().splitlines() if line and not line.startswith("#")] == []
