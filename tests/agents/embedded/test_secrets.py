"""Secrets are created once and survive restarts; those of the settings take precedence."""

from pathlib import Path

import pytest

from agents.embedded.secrets import own_secrets
from pipeline.auth.key_store import read_keys
from pipeline.config.settings import Settings

HERE = {"TURNFOLD_CLICKHOUSE": "http://127.0.0.1:8123", "TURNFOLD_API": "http://127.0.0.1:8080"}


def test_secrets_outlive_a_restart_and_the_keys_count(tmp_path: Path) -> None:
    made = own_secrets(tmp_path, Settings())
    assert own_secrets(tmp_path, Settings()) == made
    keys = {key.id: key for key in read_keys(made.key_file)}
    assert len(keys) == 2
    assert keys[made.key_id].secret == made.key_secret
    assert len({made.password, made.key_secret, made.token}) == 3
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_lost_or_revoked_token_is_replaced(tmp_path: Path) -> None:
    made = own_secrets(tmp_path, Settings())
    (tmp_path / "keys.json").unlink()
    again = own_secrets(tmp_path, Settings())
    assert again.token != made.token
    assert again.key_id != made.key_id
    assert own_secrets(tmp_path, Settings()) == again


@pytest.mark.parametrize("damage", [b"\xff\xfe", bytes(43), b""])
def test_secrets_that_are_damaged_are_replaced(tmp_path: Path, damage: bytes) -> None:
    made = own_secrets(tmp_path, Settings())
    for name in ("clickhouse.password", "api.token"):
        (tmp_path / name).write_bytes(damage)
    again = own_secrets(tmp_path, Settings())
    assert len({made.password, again.password, made.token, again.token}) == 4
    assert own_secrets(tmp_path, Settings()) == again


def test_a_password_and_keys_of_the_settings_come_first(tmp_path: Path) -> None:
    settings = Settings(clickhouse_user="bot", clickhouse_password="mine", api_keys="keys.json", api_token="tf_mine")
    made = own_secrets(tmp_path, settings)
    assert (made.user, made.password, made.token) == ("bot", "mine", "tf_mine")
    assert made.key_file == Path("keys.json").absolute()
    assert list(tmp_path.iterdir()) == []
