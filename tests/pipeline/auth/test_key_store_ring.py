"""The keys are those that the file holds at this moment; while it cannot be read, there are none to let in."""

import logging
import os
from pathlib import Path

import pytest

from pipeline.auth.key_factory import with_revocation
from pipeline.auth.key_store import KeyStore, KeysUnavailableError, change_keys
from pipeline.runtime.errors import UsageError
from tests.pipeline.auth.signing import bearing, kept, signing


def test_each_key_is_found_by_its_id_and_no_other_is(tmp_path: Path) -> None:
    one, other = signing(), bearing()
    ring = KeyStore(kept(tmp_path / "keys", one, other))
    assert (ring.find(one.key.id), ring.find(other.key.id)) == (one.key, other.key)
    assert ring.find("") is None
    assert ring.find(one.key.id.lower()) is None


def test_it_begins_with_keys_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="keys add"):
        KeyStore(tmp_path / "keys")


def test_every_change_counts_with_the_next_question(tmp_path: Path) -> None:
    one, other = signing(), signing()
    ring = KeyStore(path := kept(tmp_path / "keys", one))
    for _ in range(50):
        kept(path, one, other)
        assert ring.find(other.key.id) == other.key
        change_keys(path, lambda known: [with_revocation(key, 1) for key in known])
        assert ring.find(one.key.id) == with_revocation(one.key, 1)


def test_a_change_that_hides_its_time_counts_too(tmp_path: Path) -> None:
    """In place, of the same size, and dated back, as copying tools do."""
    path = kept(tmp_path / "keys", signing(name="aaaa"))
    ring, before, content = KeyStore(path), path.stat(), path.read_bytes()
    (one,) = ring._keys
    with path.open("r+b") as file:
        file.write(content.replace(b'"aaaa"', b'"bbbb"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = path.stat()
    assert (after.st_ino, after.st_size, after.st_mtime_ns) == (before.st_ino, before.st_size, before.st_mtime_ns)
    found = ring.find(one)
    assert found is not None
    assert found.name == "bbbb"


def test_it_is_read_only_when_it_has_changed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ring = KeyStore(path := kept(tmp_path / "keys", signing()))
    for _ in range(3):
        ring.find("")
    assert caplog.messages == []
    kept(path, signing(), signing())
    for _ in range(3):
        ring.find("")
    assert caplog.messages == [f"read 2 keys from {path}"]


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"keys": [{"id": "TFKA", "name": "\xff", "created": 1}]}',
                                     b'{"x":' + b"[" * 100_000])  # fmt: skip
def test_a_broken_file_lets_nobody_in_and_is_told_once_without_a_secret(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    issued = signing()
    ring = KeyStore(path := kept(tmp_path / "keys", issued))
    path.write_bytes(content)
    for _ in range(3):
        with pytest.raises(KeysUnavailableError):
            ring.find(issued.key.id)
    assert [message.partition(":")[0] for message in caplog.messages] == ["nobody is let in"]
    assert issued.told not in caplog.text
    kept(path := tmp_path / "new", issued).replace(tmp_path / "keys")
    assert ring.find(issued.key.id) == issued.key


def test_a_folder_that_is_gone_lets_nobody_in(tmp_path: Path) -> None:
    """As where a volume is no longer mounted."""
    folder = tmp_path / "mounted"
    folder.mkdir()
    issued = signing()
    ring = KeyStore(kept(folder / "keys", issued))
    folder.rename(tmp_path / "away")
    with pytest.raises(KeysUnavailableError):
        ring.find(issued.key.id)
    (tmp_path / "away").rename(folder)
    assert ring.find(issued.key.id) == issued.key
