from pathlib import Path

import pytest

from pipeline.config.load import load_settings
from pipeline.config.settings import Settings
from pipeline.http.processes.environment import check_settings, member_environ
from pipeline.http.processes.metrics import FOLDER_VARIABLE
from pipeline.runtime.errors import UsageError
from tests.certificates import Certificates


def test_all_processes_sign_with_one_key_which_is_random_by_default(tmp_path: Path) -> None:
    first, second = (load_settings(_ours(member_environ(Settings(), tmp_path))) for _ in range(2))
    assert len(first.token_key) >= 32
    assert first.token_key != second.token_key
    given = load_settings(_ours(member_environ(Settings(token_key="known", clickhouse_password="pass"), tmp_path)))
    assert (given.token_key, given.clickhouse_password) == ("known", "pass")
    assert member_environ(Settings(), tmp_path)[FOLDER_VARIABLE] == str(tmp_path)


@pytest.mark.parametrize("name", ["api_certificate", "api_keys", "api_audit"])
def test_a_file_that_cannot_be_used_is_told_before_any_process_starts(name: str) -> None:
    with pytest.raises(UsageError, match="/nowhere/file"):
        check_settings(Settings(**{name: "/nowhere/file"}))  # type: ignore[arg-type]


def test_good_files_pass(pem: Certificates, tmp_path: Path) -> None:
    check_settings(Settings(api_certificate=str(pem.server), api_audit=str(tmp_path / "audit")))


def _ours(environ: dict[str, str]) -> dict[str, str]:
    """Without the settings of whoever runs the tests."""
    return {name: environ[name] for name in ("TURNFOLD_TOKEN_KEY", "TURNFOLD_CLICKHOUSE_PASSWORD")}
