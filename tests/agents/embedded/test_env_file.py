"""Commands send a secret only to its own address, and read it only from a private file."""

from pathlib import Path

import pytest

from agents.embedded.env_file import with_own_secrets
from agents.embedded.secrets import own_secrets, write_env
from pipeline.config.settings import Settings

HERE = {"TURNFOLD_CLICKHOUSE": "http://127.0.0.1:8123", "TURNFOLD_API": "http://127.0.0.1:8080"}


def test_a_secret_is_shown_to_its_own_address_alone(tmp_path: Path) -> None:
    made = own_secrets(tmp_path, Settings())
    write_env(tmp_path, HERE, made)
    beside = with_own_secrets(Settings(), tmp_path)
    assert (beside.clickhouse_password, beside.api_token) == (made.password, made.token)
    elsewhere = Settings(clickhouse="http://clickhouse:8123", api="https://turnfold.example")
    assert with_own_secrets(elsewhere, tmp_path) == elsewhere
    told = Settings(clickhouse_password="told", api_token="told")
    assert with_own_secrets(told, tmp_path) == told


@pytest.mark.parametrize("wrong", ["absent", "open", "torn"])
def test_a_file_that_cannot_be_believed_is_left_aside(tmp_path: Path, wrong: str) -> None:
    file = write_env(tmp_path, HERE, own_secrets(tmp_path, Settings()))
    match wrong:
        case "absent":
            file.unlink()
        case "open":
            file.chmod(0o644)
        case _:
            file.write_text("export TURNFOLD_CLICKHOUSE='http")
    assert with_own_secrets(Settings(), tmp_path) == Settings()
