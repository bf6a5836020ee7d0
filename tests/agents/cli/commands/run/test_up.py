"""`turnfold up` refuses what it cannot start with; tests/integration starts whole stacks with it."""

from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--workers", "0"), "0 is not in the range 1<=x<=64"),
        (("--api-port", "70000"), "70000 is not in the range 1<=x<=65535"),
        (("--kafka-port", "0"), "0 is not in the range 1<=x<=65535"),
    ],
)
def test_a_wrong_option_is_refused(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    ended = turnfold(Settings(), "up", "--data", str(tmp_path / "data"), *options)
    assert (ended.status, ended.out) == (2, "")
    assert message in ended.err
    assert not (tmp_path / "data").exists()


def test_a_file_is_no_data_folder(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    ended = turnfold(Settings(), "up", "--data", str(tmp_path / "data"))
    assert ended.status == 2
    assert "is a file" in ended.err
