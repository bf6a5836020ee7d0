"""deploy/example.env lists every setting with its default and meaning."""

from pipeline.config.load import load_settings, variables
from pipeline.config.settings import Settings
from tests.deploy.example_env import PATH, rendered


def test_it_is_up_to_date() -> None:
    assert PATH.read_text() == rendered(), "regenerate it: python -m tests.deploy.example_env"


def test_its_defaults_are_accepted_and_change_nothing() -> None:
    lines = [line.removeprefix("#") for line in PATH.read_text().splitlines() if line.startswith("#TURNFOLD_")]
    named = dict(line.split("=", 1) for line in lines)
    assert list(named) == variables()
    assert load_settings(named) == Settings()


def test_it_sets_nothing() -> None:
    assert [line for line in PATH.read_text().splitlines() if line and not line.startswith("#")] == []
