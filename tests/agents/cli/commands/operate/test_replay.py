"""`turnfold replay` refuses wrong options before it reads anything."""

import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold

NOWHERE = Settings(kafka=("127.0.0.1:1",), clickhouse="http://127.0.0.1:1")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "tomorrow"), "--to 'tomorrow' is not a time; expected 2026-11-01"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "is not before --to 2026-01-01T00:00:00.000Z"),
        (("--into", "kafka"), "'kafka' is not one of 'live', 'new'"),
        (("--swap",), "--swap replaces the live tables with new ones, so it needs --into new"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(options: tuple[str, ...], message: str) -> None:
    ended = turnfold(NOWHERE, "replay", *options)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err


def test_a_replay_needs_clickhouse_for_its_progress() -> None:
    ended = turnfold(NOWHERE, "replay")
    assert (ended.status, ended.out) == (1, "")
    assert "127.0.0.1:1" in ended.err
