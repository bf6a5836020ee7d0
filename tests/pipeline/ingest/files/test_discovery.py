import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.files.discovery import FoundFile, find_files, name_of, path_of
from pipeline.runtime.errors import UsageError


def write(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"{}\n")


def names(folder: Path, *paths: Path) -> list[str]:
    return [
        str(Path(found.path).relative_to(folder)) for found in find_files([str(path) for path in paths or [folder]])
    ]


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_files_come_as_given_with_their_sizes(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(b"12")
    (tmp_path / "a").write_bytes(b"1")
    assert find_files([f"{tmp_path}/b", f"{tmp_path}/a"]) == [
        FoundFile(f"{tmp_path}/b", 2),
        FoundFile(f"{tmp_path}/a", 1),
    ]


def test_a_folder_is_its_files_by_name_however_deep(tmp_path: Path) -> None:
    write(tmp_path, "b/z", "b/a/x", "a", "c", "b/a-1/y", "b/a.gz")
    assert names(tmp_path) == ["a", "b/a/x", "b/a-1/y", "b/a.gz", "b/z", "c"]


def test_other_files_than_exports_are_skipped_in_a_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        "a",
        ".hidden",
        ".git/config",
        "aws-logs-write-test",
        "export/aws-logs-write-test",
        "export/s/000000.gz",
    )
    (tmp_path / "_SUCCESS").touch()
    os.mkfifo(tmp_path / "pipe")
    assert names(tmp_path) == ["a", "export/s/000000.gz"]


def test_a_file_named_explicitly_is_read_whatever_its_name(tmp_path: Path) -> None:
    write(tmp_path, ".hidden", "aws-logs-write-test", ".folder/a")
    (tmp_path / "empty").touch()
    asked = [tmp_path / name for name in (".hidden", "aws-logs-write-test", "empty", ".folder")]
    assert names(tmp_path, *asked) == [".hidden", "aws-logs-write-test", "empty", ".folder/a"]


def test_a_file_that_is_there_twice_is_read_once(tmp_path: Path) -> None:
    write(tmp_path, "a/1", "a/2")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "a" / "1")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert names(tmp_path, tmp_path / "a/2", tmp_path / "b", tmp_path / "a", tmp_path / "a/../a/1") == ["a/2", "b/1"]
    with inside(tmp_path):
        assert [found.path for found in find_files(["a/1", str(tmp_path), "a"])] == ["a/1", f"{tmp_path}/a/2"]


def test_links_that_lead_in_a_circle_come_to_an_end(tmp_path: Path) -> None:
    write(tmp_path, "a/b/1")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/b/1"]


def test_names_that_are_no_text_are_found(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/\xff.gz"
    Path(os.fsdecode(name)).write_bytes(b"{}")
    assert [os.fsencode(found.path) for found in find_files([str(tmp_path)])] == [name]


def test_paths_that_cannot_be_read_are_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"/none cannot be read: No such file or directory"):
        find_files([f"{tmp_path}/none"])
    with pytest.raises(UsageError, match="holds no file to read; hidden files, empty files and aws-logs-write-test"):
        find_files([str(tmp_path)])
    (tmp_path / "lost").symlink_to("nowhere")
    with pytest.raises(UsageError, match="/lost cannot be read: No such file or directory"):
        find_files([str(tmp_path / "lost")])


def test_what_cannot_be_examined_in_a_folder_stops_no_other_file(tmp_path: Path) -> None:
    write(tmp_path, "a", "z")
    (tmp_path / "lost").symlink_to("nowhere")
    (tmp_path / "loop").symlink_to("loop")
    found = [(Path(one.path).name, one.size) for one in find_files([str(tmp_path)])]
    assert found == [("a", 3), ("loop", 0), ("lost", 0), ("z", 3)]


def test_only_files_and_folders_are_read(tmp_path: Path) -> None:
    with inside(tmp_path), socket.socket(socket.AF_UNIX) as door:
        door.bind("door")
        with pytest.raises(UsageError, match="door is neither a file nor a folder"):
            find_files(["door"])


@given(st.binary(min_size=1).filter(lambda name: b"\0" not in name))
def test_every_name_is_text_and_is_found_again(name: bytes) -> None:
    named = name_of(os.fsdecode(name))
    assert json.dumps(named, ensure_ascii=False).encode()
    assert os.fsencode(path_of(named)) == name


@given(st.binary(min_size=1, max_size=3), st.binary(min_size=1, max_size=3))
def test_no_two_files_have_one_name(one: bytes, other: bytes) -> None:
    assert (name_of(os.fsdecode(one)) == name_of(os.fsdecode(other))) == (one == other)


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/logs/a b.jsonl", "/logs/a b.jsonl"),
        ("/logs/Grüße.jsonl", "/logs/Grüße.jsonl"),
        (os.fsdecode(b"/logs/caf\xe9 100%.gz"), "bytes:/logs/caf%E9 100%25.gz"),
        ("bytes:a", "bytes:bytes:a"),
    ],
)
def test_names_stay_what_they_are_where_they_are_text(path: str, named: str) -> None:
    assert name_of(path) == named
    assert path_of(named) == path
