"""A key file is read and written by its owner alone, loses no key, and is refused while it cannot be read."""

import logging
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.auth.key_factory import with_revocation
from pipeline.auth.key_store import KeyStore, KeysUnavailableError, change_keys, read_keys
from pipeline.runtime.errors import UsageError
from schemas.access_key import AccessKey
from tests.paths import ROOT
from tests.pipeline.auth.signing import bearing, kept, key, signing

ANOTHER = 12345
"""A user that owns nothing here."""

ADD = """
import sys
from pathlib import Path
from pipeline.auth.key_store import change_keys
from tests.pipeline.auth.signing import key
for number in range(20):
    change_keys(Path(sys.argv[1]), lambda known: [*known, key(name=f"{sys.argv[2]}-{number}")])
"""


def refused(path: Path) -> str:
    with pytest.raises(UsageError) as raised:
        read_keys(path)
    assert str(path) in str(raised.value)
    return str(raised.value)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    issued = [signing(expires=1, rate=0.5), bearing(bots=("BOT*",), rights=()), signing(name="Grüße \N{CAT}")]
    path = kept(tmp_path / "keys", *issued)
    assert read_keys(path) == tuple(one.key for one in issued)


def test_only_its_owner_reads_it_from_the_start(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        assert mode(kept(tmp_path / "keys", signing())) == 0o600
    finally:
        os.umask(before)
    assert [found.name for found in tmp_path.iterdir()] == ["keys"], "nothing else is left"


def test_an_accessible_file_is_refused_with_the_command_that_fixes_it(tmp_path: Path) -> None:
    issued = signing()
    path = kept(tmp_path / "keys", issued)
    path.chmod(0o644)
    message = refused(path)
    assert f"chmod 600 {path}" in message
    assert "-rw-r--r--" in message
    assert issued.credential not in message
    with pytest.raises(UsageError, match="chmod 600"):
        change_keys(path, lambda known: known)


def test_a_missing_file_is_reported_with_the_command_that_creates_one(tmp_path: Path) -> None:
    assert "`turnfold keys add` makes some" in refused(tmp_path / "keys")
    assert "Is a directory" in refused(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"keys": [{"id": "TFKA", "name": "\xff", "created": 1}]}',
        b'{"keys": [{"id": "TFKA", "name": "a", "created": 1, "secret": 7}]}',
        b'{"keys": [{"id": "TFKA", "name": "a", "created": 1, "secret": "s3cret", "expire": 7}]}',
        b'{"keys": [{"name": "a", "created": 1, "secret": "s3cret"}]}',
        b'{"keys": [], "version": 2}',
        b'{"x":' + b"[" * 100_000,
    ],
)
def test_an_invalid_file_is_reported_in_one_line_without_a_secret(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "keys"
    path.write_bytes(content)
    path.chmod(0o600)
    message = refused(path)
    assert "is not a key file" in message
    assert f"`mv {path} {path}.broken`" in message, "what to do"
    assert "s3cret" not in message
    assert "\n" not in message
    with pytest.raises(UsageError, match="is not a key file"):
        change_keys(path, lambda known: known)
    assert path.read_bytes() == content, "what cannot be read is not replaced"


def test_two_keys_of_one_id_are_refused(tmp_path: Path) -> None:
    """Else a revoked one might count on."""
    one = signing().key
    path = tmp_path / "keys"
    change_keys(path, lambda _: [one, with_revocation(one, 1)])
    assert "two keys with the same id" in refused(path)


@pytest.mark.parametrize("wrong", [{"name": ""}, {"name": "\udcff"}, {"rate": float("nan")}, {"id": "small"}])
def test_a_key_that_could_not_be_read_again_is_not_kept(tmp_path: Path, wrong: dict[str, object]) -> None:
    path = kept(tmp_path / "keys", signing())
    before = path.read_bytes()
    with pytest.raises(UsageError, match="cannot be stored"):
        change_keys(path, lambda known: [*known, key(**wrong)])
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["keys"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = tmp_path / "no" / "keys"
    with pytest.raises(UsageError, match=rf"{path} cannot be written: No such file or directory"):
        change_keys(path, lambda known: known)


def test_a_change_that_fails_changes_nothing(tmp_path: Path) -> None:
    path = kept(tmp_path / "keys", signing())
    before = path.read_bytes()

    def fails(_: object) -> list[AccessKey]:
        raise UsageError("no")

    with pytest.raises(UsageError, match="no"):
        change_keys(path, fails)
    assert path.read_bytes() == before
    change_keys(path, lambda known: known)  # it holds the lock no more


def test_of_changes_at_the_same_time_none_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    names = [f"process-{number}" for number in range(3)]
    running = [subprocess.Popen([sys.executable, "-c", ADD, str(path), name], cwd=ROOT) for name in names]
    while any(process.poll() is None for process in running):
        if path.exists():
            read_keys(path)  # at any moment it is whole
    assert [process.returncode for process in running] == [0, 0, 0]
    assert sorted(one.name for one in read_keys(path)) == sorted(f"{name}-{n}" for name in names for n in range(20))


def test_a_link_to_the_file_stays_one(tmp_path: Path) -> None:
    """Else whoever reads the file by its own name would not see what was revoked."""
    path, link = kept(tmp_path / "keys", issued := signing()), tmp_path / "link"
    link.symlink_to(path)
    change_keys(link, lambda known: [with_revocation(one, 1) for one in known])
    assert link.is_symlink()
    assert read_keys(path) == (with_revocation(issued.key, 1),)
    new = tmp_path / "other"
    new.symlink_to(tmp_path / "not-yet")
    kept(new, issued)
    assert read_keys(tmp_path / "not-yet") == (issued.key,)


def test_its_owner_stays_the_same_when_root_changes_it(tmp_path: Path) -> None:
    """Only root can give a file away; for anybody else this is about the mode alone."""
    path = kept(tmp_path / "keys", signing())
    path.chmod(0o400)
    if os.geteuid() == 0:
        os.chown(path, ANOTHER, ANOTHER)
    before = path.stat()
    change_keys(path, lambda known: known)
    after = path.stat()
    assert after.st_ino != before.st_ino
    assert (after.st_uid, after.st_gid, after.st_mode) == (before.st_uid, before.st_gid, before.st_mode)


def test_each_key_is_found_by_its_id_and_no_other_is(tmp_path: Path) -> None:
    one, other = signing(), bearing()
    store = KeyStore(kept(tmp_path / "keys", one, other))
    assert (store.find(one.key.id), store.find(other.key.id)) == (one.key, other.key)
    assert store.find("") is None
    assert store.find(one.key.id.lower()) is None


def test_it_begins_with_keys_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keys add"):
        KeyStore(tmp_path / "keys")


def test_every_change_applies_to_the_next_request(tmp_path: Path) -> None:
    one, other = signing(), signing()
    store = KeyStore(path := kept(tmp_path / "keys", one))
    for _ in range(50):
        kept(path, one, other)
        assert store.find(other.key.id) == other.key
        change_keys(path, lambda known: [with_revocation(key, 1) for key in known])
        assert store.find(one.key.id) == with_revocation(one.key, 1)


def test_a_change_with_an_old_modification_time_applies(tmp_path: Path) -> None:
    """In place, of the same size, and dated back, as copying tools do."""
    path = kept(tmp_path / "keys", signing(name="aaaa"))
    store, before, content = KeyStore(path), path.stat(), path.read_bytes()
    (one,) = store._keys
    with path.open("r+b") as file:
        file.write(content.replace(b'"aaaa"', b'"bbbb"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    found = store.find(one)
    assert found is not None
    assert found.name == "bbbb"


def test_it_is_read_only_when_it_has_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    store = KeyStore(path := kept(tmp_path / "keys", signing()))
    for _ in range(3):
        store.find("")
    assert caplog.messages == []
    kept(path, signing(), signing())
    for _ in range(3):
        store.find("")
    assert caplog.messages == [f"read 2 keys from {path}"]


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"keys": [{"id": "TFKA", "name": "\xff", "created": 1}]}',
                                     b'{"x":' + b"[" * 100_000])  # fmt: skip
def test_a_broken_file_refuses_all_requests_and_is_logged_once(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    issued = signing()
    store = KeyStore(path := kept(tmp_path / "keys", issued))
    path.write_bytes(content)
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            store.find(issued.key.id)
    assert [message.partition(":")[0] for message in caplog.messages] == ["all requests are refused"]
    assert issued.credential not in caplog.text
    kept(path := tmp_path / "new", issued).replace(tmp_path / "keys")
    assert store.find(issued.key.id) == issued.key


def test_a_missing_folder_refuses_all_requests(tmp_path: Path) -> None:
    """As where a volume is no longer mounted."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    issued = signing()
    store = KeyStore(kept(folder / "keys", issued))
    folder.rename(tmp_path / "away")
    with pytest.raises(KeysUnavailableError):
        store.find(issued.key.id)
    (tmp_path / "away").rename(folder)
    assert store.find(issued.key.id) == issued.key
