"""`turnfold rebuild` refuses wrong options before it reads anything."""

import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--from", "yesterday"), "--from 'yesterday' is not a time; expected 2026-11-01"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "is not before --to 2026-01-01T00:00:00.000Z"),
        (("--into", "kafka"), "'kafka' is not one of 'live', 'new'"),
        (("--swap",), "--swap replaces the live tables with new ones, so it needs --into new"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(options: tuple[str, ...], message: str) -> None:
    ended = turnfold(Settings(clickhouse="http://127.0.0.1:1"), "rebuild", *options)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
