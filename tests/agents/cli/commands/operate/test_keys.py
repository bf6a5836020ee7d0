"""`turnfold keys` creates, lists and revokes access keys, and prints a secret only once."""

import re
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.commands.operate.keys import _path
from pipeline.auth.key_factory import hash_of
from pipeline.auth.key_store import read_keys
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from schemas.access_key import AccessKey, Right
from schemas.lex.log_entry import bot_id
from tests.agents.cli.command import WITHIN, Ended, start, turnfold

DAY_MS = 86_400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def settings(path: Path) -> Settings:
    return Settings(api_keys=str(path))


def done(settings: Settings, *arguments: str) -> Ended:
    ended = turnfold(settings, "keys", *arguments)
    assert ended.status == 0, ended.err
    return ended


def wrong(settings: Settings, *arguments: str) -> str:
    ended = turnfold(settings, "keys", *arguments)
    assert (ended.status, ended.out) == (2, "")
    assert "Traceback" not in ended.err
    return ended.err


def added(settings: Settings, *arguments: str) -> dict[str, Any]:
    told: dict[str, Any] = orjson.loads(done(settings, "add", *arguments, "--json").out)
    return told


def only(path: Path) -> AccessKey:
    (one,) = read_keys(path)
    return one


def test_a_signing_key_is_told_in_the_words_of_aws_and_kept(settings: Settings, path: Path) -> None:
    ended = done(settings, "add", "reports", "--bot", "BOTAAAAAA1")
    one = only(path)
    told = f"aws_access_key_id = {one.id}\naws_secret_access_key = {one.secret}\n"
    assert ended.out == told, "so that it can go into ~/.aws/credentials as it is"
    assert (one.name, one.bots, one.rights) == ("reports", ("BOTAAAAAA1",), (Right.LIST,))
    assert one.expires == one.created + 90 * DAY_MS
    assert one.id in ended.err
    assert one.secret not in ended.err


def test_a_bearer_key_is_told_as_a_token_and_only_its_hash_is_kept(settings: Settings, path: Path) -> None:
    ended = done(settings, "add", "console", "--bot", "*", "--bearer")
    one = only(path)
    token = ended.out.removeprefix("token = ").removesuffix("\n")
    assert hash_of(token) == one.token_sha256
    assert token not in path.read_text()
    assert token not in ended.err
    assert one.secret == ""


def test_all_that_a_key_may_be_given_is_kept(settings: Settings, path: Path) -> None:
    done(settings, "add", "all", "--bot", "SALES*", "--bot", "Travel", "--bot", "SALES*", "--right", "transcripts",
         "--right", "sessions", "--expires", "12h", "--rate", "0.5", "--concurrent", "3")  # fmt: skip
    one = only(path)
    assert one.bots == ("SALES*", bot_id("Travel")), "the name of a V1 bot is kept as the id that is derived from it"
    assert one.rights == (Right.TRANSCRIPTS, Right.SESSIONS), "and not the default besides"
    assert one.expires == one.created + DAY_MS // 2
    assert (one.rate, one.concurrent) == (0.5, 3)
    done(settings, "add", "for ever", "--bot", "*", "--expires", "never")
    assert read_keys(path)[1].expires is None


def test_as_json_everything_is_told_at_once(settings: Settings, path: Path) -> None:
    signing = added(settings, "one", "--bot", "BOTAAAAAA1")
    bearer = added(settings, "two", "--bot", "BOTAAAAAA1", "--bearer")
    first, second = read_keys(path)
    assert (signing["aws_access_key_id"], signing["aws_secret_access_key"]) == (first.id, first.secret)
    assert (bearer["id"], hash_of(bearer["token"])) == (second.id, second.token_sha256)


def test_only_a_key_for_numbers_needs_no_bot(settings: Settings, path: Path) -> None:
    done(settings, "add", "prometheus", "--right", "admin", "--bearer")
    assert only(path).bots == ()
    for rights in ((), ("--right", "list"), ("--right", "admin", "--right", "list")):
        assert "--bot" in wrong(settings, "add", "nobody", *rights)
    assert only(path).name == "prometheus"


def test_the_list_has_all_keys_and_no_secret(settings: Settings, path: Path) -> None:
    signing = added(settings, "reports", "--bot", "BOTAAAAAA1", "--rate", "5")
    bearer = added(settings, "Grüße\n\x1b[31m", "--bot", "*", "--bearer", "--expires", "never")
    gone = added(settings, "gone", "--bot", "*")
    done(settings, "revoke", gone["id"])
    for arguments in (("list",), ("list", "--json")):
        ended = done(settings, *arguments)
        lines = ended.out.splitlines()
        assert [one["id"] in line for one, line in zip((signing, bearer, gone), lines, strict=True)] == [True] * 3
        for secret in (signing["aws_secret_access_key"], bearer["token"], gone["aws_secret_access_key"]):
            assert secret not in ended.out + ended.err
        assert not any(one.token_sha256 in ended.out for one in read_keys(path) if one.token_sha256)
        assert "\x1b" not in ended.out
    first, second, third = map(orjson.loads, lines)
    assert (first["kind"], first["bots"], first["rights"], first["rate"]) == ("signing", ["BOTAAAAAA1"], ["list"], 5.0)
    assert first["state"].startswith("valid until 2")
    assert (second["kind"], second["state"], second["name"]) == ("bearer", "valid until revoked", "Grüße\n\x1b[31m")
    assert (third["kind"], third["state"][:9]) == (None, "revoked 2")


def test_an_expired_key_is_listed_as_such(settings: Settings, path: Path) -> None:
    done(settings, "add", "short", "--bot", "*", "--expires", "0.001s")
    assert only(path).expires == only(path).created + 1
    assert "  expired 2" in done(settings, "list").out


def test_a_revoked_key_has_no_secret_any_more_and_the_others_have(settings: Settings, path: Path) -> None:
    first, second = (added(settings, name, "--bot", "*") for name in ("first", "second"))
    done(settings, "revoke", first["id"])
    gone, left = read_keys(path)
    assert (gone.secret, left.secret) == ("", second["aws_secret_access_key"])
    assert first["aws_secret_access_key"] not in path.read_text()
    done(settings, "revoke", first["id"])
    assert read_keys(path)[0] == gone, "revoked twice, it was revoked the first time"


def test_a_token_that_was_found_somewhere_revokes_its_key(settings: Settings, path: Path) -> None:
    told = added(settings, "leaked", "--bot", "*", "--bearer")
    ended = done(settings, "revoke", told["token"])
    assert only(path).revoked
    assert told["token"] not in ended.out + ended.err


def test_an_unknown_key_is_not_revoked_nor_repeated(settings: Settings, path: Path) -> None:
    told = added(settings, "one", "--bot", "*")
    secret = told["aws_secret_access_key"]
    for unknown in (secret, "TFKUNKNOWN", f"tf_TFKUNKNOWN_{'a' * 43}"):
        text = wrong(settings, "revoke", "--", unknown)
        assert "`turnfold keys list` shows all" in text
        assert unknown not in text
    assert only(path).revoked is None


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "--bot", "*"), "NAME"),
        (("add", "one"), "--bot"),
        (("add", "", "--bot", "*"), "name"),
        (("add", b"\xff".decode(errors="surrogateescape"), "--bot", "*"), "cannot be stored"),
        (("add", "one", "--bot", ""), "--bot ''"),
        (("add", "one", "--bot", "  "), "--bot"),
        (("add", "one", "--bot", "A*B"), "--bot 'A*B'"),
        (("add", "one", "--bot", "**"), "--bot '**'"),
        (("add", "one", "--bot", "Order Flowers*"), "SALES*"),
        (("add", "one", "--bot", b"\xff".decode(errors="surrogateescape")), "--bot"),
        (("add", "one", "--bot", "*", "--right", "all"), "'list', 'sessions', 'transcripts', 'write', 'admin'"),
        (("add", "one", "--bot", "*", "--expires", "soon"), "--expires 'soon'"),
        (("add", "one", "--bot", "*", "--expires", "0d"), "--expires '0d'"),
        (("add", "one", "--bot", "*", "--rate", "0"), "--rate"),
        (("add", "one", "--bot", "*", "--rate", "nan"), "a number"),
        (("add", "one", "--bot", "*", "--rate", "inf"), "--rate"),
        (("add", "one", "--bot", "*", "--concurrent", "0"), "--concurrent"),
        (("revoke",), "ID"),
        (("list", "all"), "all"),
    ],
    ids=repr,
)
def test_what_is_asked_wrongly_is_told_and_changes_nothing(
    settings: Settings, path: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert told in wrong(settings, *arguments)
    assert not path.exists()


def test_without_a_file_it_says_which_setting_names_one(settings: Settings, path: Path) -> None:
    for arguments in (("add", "one", "--bot", "*"), ("list",), ("revoke", "TFKA")):
        assert "TURNFOLD_API_KEYS" in wrong(Settings(), *arguments)
    assert f"{path} cannot be read: No such file or directory; `turnfold keys add` makes some" in wrong(
        settings, "list"
    )
    assert "`turnfold keys list` shows all" in wrong(settings, "revoke", "TFKA")
    assert not path.exists()


def test_only_its_owner_reads_the_file_and_an_open_one_is_refused(settings: Settings, path: Path) -> None:
    secret = added(settings, "one", "--bot", "*")["aws_secret_access_key"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    for arguments in (("add", "two", "--bot", "*"), ("list",), ("revoke", "TFKA")):
        text = wrong(settings, *arguments)
        assert f"chmod 600 {path}" in text
        assert secret not in text
    path.chmod(0o600)
    assert only(path).name == "one"


def test_a_broken_file_is_told_and_left_as_it_is(settings: Settings, path: Path) -> None:
    path.write_text('{"keys": [{"id": "TFKA", "secret": "s3cret"}]}')
    path.chmod(0o600)
    for arguments in (("add", "two", "--bot", "*"), ("list",), ("revoke", "TFKA")):
        text = wrong(settings, *arguments)
        assert f"{path} is not a key file" in text
        assert "s3cret" not in text
    assert "s3cret" in path.read_text()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    settings = Settings(api_keys=str(tmp_path / "no" / "keys.json"))
    assert "cannot be written: No such file or directory" in wrong(settings, "add", "one", "--bot", "*")


def test_of_keys_that_are_added_at_the_same_time_none_is_lost(settings: Settings, path: Path) -> None:
    names = [f"key-{number}" for number in range(4)]
    running = [start(settings, "keys", "add", name, "--bot", "*") for name in names]
    told = [process.communicate(timeout=WITHIN) for process in running]
    assert [process.returncode for process in running] == [0] * 4
    assert sorted(one.name for one in read_keys(path)) == names
    ids = {re.findall(rb"aws_access_key_id = (\w+)", out)[0].decode() for out, _ in told}
    assert {one.id for one in read_keys(path)} == ids


def test_without_a_setting_the_key_file_of_up_is_named_if_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a new key goes to a file that nobody reads."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"expected a key file such as keys\.json, which may be new$"):
        _path(Settings())
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "keys.json").touch()
    with pytest.raises(UsageError, match=r"that of `turnfold up` in this folder is data/keys\.json$"):
        _path(Settings())
