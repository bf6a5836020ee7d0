import codecs
import gzip
import io
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.ingest.files import reader as files
from pipeline.ingest.files.json_splitter import PIECE_BYTES
from pipeline.ingest.files.reader import Input, opened_input, readable_bytes, stream_inputs
from pipeline.runtime.errors import UsageError

LIMIT = 1_000_000
CUT = gzip.compress(b'{"n":1}\n' * 3 + os.urandom(2000).replace(b"\n", b"") + b"\n")[:-200]


def test_a_list_that_is_too_large_in_its_wrapper_is_taken_apart(file: Path) -> None:
    """As `aws logs filter-log-events` writes one, over many lines."""
    events = [{"message": "x" * 30, "timestamp": n} for n in range(40)]
    content = orjson.dumps({"events": events, "nextToken": "x"}, option=orjson.OPT_INDENT_2)
    found = read(file, content, limit=1_000)
    assert [orjson.loads(one.data) for one in found] == events
    assert [one.entry for one in found] == list(range(1, 41))
    assert len(read(file, content)) == 1, "a small one is unwrapped like any other message"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "input"


def read_inputs(path: str, limit: int) -> Iterator[Input]:
    with opened_input(path) as stream:
        yield from stream_inputs(stream, path, limit)


def read(path: Path, content: bytes, limit: int = LIMIT) -> list[Input]:
    path.write_bytes(content)
    return list(read_inputs(str(path), limit))


def data(path: Path, content: bytes) -> list[bytes]:
    found = read(path, content)
    assert not any(one.problem for one in found)
    return [one.data for one in found]


@pytest.mark.parametrize(("content", "inputs"), [
    (b"", []),
    (b"\n", [b""]),
    (b"a", [b"a"]),
    (b"a\n", [b"a"]),
    (b"a\n\n\nb", [b"a", b"", b"", b"b"]),
    (b"a\r\nb\r\n", [b"a", b"b"]),
    (b"a\rb\n", [b"a\rb"]),
    (b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}", [b"{}", b"{}"]),
    (b"\xff\x00\n\x00", [b"\xff\x00", b"\x00"]),
    ('{"a":"é"}\n{}'.encode("utf-16"), ['{"a":"é"}'.encode(), b"{}"]),
    ('{"a":"é"}\n{}'.encode("utf-32"), ['{"a":"é"}'.encode(), b"{}"]),
    (codecs.BOM_UTF16_BE + '{"a":"\U0001f600"}'.encode("utf-16-be") + b"\xd8",
     ['{"a":"\U0001f600"}'.encode(), "\ufffd".encode()]),
    (b'{}\xef\xbb\xbf{"a":1}\xef\xbb\xbf\n\xef\xbb\xbf[{}]', [b"{}", b'{"a":1}', b"{}"]),
    (b'{"a":"\\ud83d"}{}\n{\n"a":"\\ud83d"}\n[{"b":"\\ud83d"},{}]',
     [b'{"a":"\\ud83d"}', b"{}", b'{\n"a":"\\ud83d"}', b'{"b":"\\ud83d"}', b"{}"]),
    (b'2026-06-09T02:19:15.846000+00:00 2026/[a]b {"a":1}\n2026-06-09T02:19:15 {"b":2}\n2026-06-09 02:19:15.846 {}',
     [b'{"a":1}', b'{"b":2}', b"{}"]),
    (b"2026-06-09T02:19:15.846Z START [RequestId] {", [b"START [RequestId] {"]),
    (b'{\n "a": 1\n}\n', [b'{\n "a": 1\n}']),
    (b'[\n {"a": 1},\n {"b": 2}\n]\n', [b'{"a": 1}', b'{"b": 2}']),
    (b'[{"a":1}]', [b'{"a":1}']),
    (b'{"a":1}{"b":2}', [b'{"a":1}', b'{"b":2}']),
    (b'{\n"a":1}{"b":2}\n{"c":3} x', [b'{\n"a":1}', b'{"b":2}', b'{"c":3}', b"x"]),
    (b'2026-06-09T02:19:15.846Z {"a":1}\n2026-06-09T02:19:15.847Z {\n"b":2}\n', [b'{"a":1}', b'{\n"b":2}']),
    (b"[]\n[1]\nnull\n42", [b"[]", b"[1]", b"null", b"42"]),
])  # fmt: skip
def test_every_line_or_document_is_one_input(file: Path, content: bytes, inputs: list[bytes]) -> None:
    assert data(file, content) == inputs


@given(st.lists(st.binary(max_size=20).map(lambda text: text.translate(None, b"\r\n{["))))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_many_lines_as_many_inputs(file: Path, texts: list[bytes]) -> None:
    assert [one.data for one in read(file, b"".join(b"|" + text + b"\n" for text in texts))] == [
        b"|" + text for text in texts
    ]


def test_each_input_has_its_origin(file: Path) -> None:
    found = read(file, b'x\n{\n}\n[\n{"a":1},{}]\n{}{}\ny')
    places = ("1", "2", "4[1]", "4[2]", "6[1]", "6[2]", "7")
    assert [one.origin for one in found] == [f"{file}:{place}" for place in places]


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl"])
def test_gzip_is_known_by_its_content_and_may_have_several_members(tmp_path: Path, name: str) -> None:
    members = gzip.compress(b'{"a":1}\n{"b"') + gzip.compress(b":2}\n") + gzip.compress(b"")
    assert data(tmp_path / name, members) == [b'{"a":1}', b'{"b":2}']
    assert data(tmp_path / name, gzip.compress(members)) == [b'{"a":1}', b'{"b":2}']


def test_a_name_that_promises_gzip_is_not_believed(tmp_path: Path) -> None:
    assert data(tmp_path / "plain.gz", b"a\n") == [b"a"]


def test_a_packed_envelope_is_the_document_in_it(file: Path) -> None:
    envelope = b'{"messageType":"CONTROL_MESSAGE","logEvents":[]}'
    assert data(file, gzip.compress(envelope)) == [envelope]


@pytest.mark.parametrize(
    "content",
    [CUT, gzip.compress(b'{"n":1}\n' * 3) + b"junk", gzip.compress(b"x\n" * 3)[:-4]],
    ids=["cut", "followed by junk", "without its end"],
)
def test_a_broken_archive_is_read_as_far_as_possible_and_the_rest_reported(file: Path, content: bytes) -> None:
    found = read(file, content)
    assert [one.line for one in found][:4] == [1, 2, 3, 4]
    assert found[-1].problem.startswith("broken gzip, read as far as it goes: ")
    assert not any(one.problem for one in found[:-1])


def test_the_archives_behind_a_broken_one_are_read(file: Path) -> None:
    broken = bytearray(gzip.compress(b'{"a":1}\n{"cut":'))
    broken[-8] ^= 1
    found = read(file, bytes(broken) + gzip.compress(b'{"b":2}\n{"c":3}'))
    assert [(one.line, one.data, bool(one.problem)) for one in found] == [
        (1, b'{"a":1}', False),
        (2, b'{"cut":', False),
        (3, b"", True),
        (3, b'{"b":2}', False),
        (4, b'{"c":3}', False),
    ]


def test_an_oversized_input_is_reported_with_its_line_and_size(file: Path) -> None:
    long = b"x" * 101 + b'\n[{"s":"' + b"y" * 101 + b'"},{}]\n{"s":"' + b"z" * 101 + b'"}{}\n'
    found = read(file, b"a\n" + long + b"b\n", limit=100)
    assert [(one.line, one.entry, one.data) for one in found] == [
        (1, 0, b"a"),
        (2, 0, b""),
        (3, 1, b""),
        (3, 2, b"{}"),
        (4, 1, b""),
        (4, 2, b"{}"),
        (5, 0, b"b"),
    ]
    assert found[4].problem == "109 bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows 100"
    assert found[1].problem == "101 bytes, where TURNFOLD_MAX_MESSAGE_BYTES allows 100"


def test_an_endless_document_is_reported_and_ends_the_file(file: Path) -> None:
    found = read(file, b"a\n[\n" + (b"1" * 1000 + b",\n") * (PIECE_BYTES // 1000))
    assert [one.line for one in found] == [1, 2]
    assert "jq -c" in found[1].problem


def test_memory_is_bounded_however_long_a_line_is(file: Path) -> None:
    with gzip.open(file, "wb", compresslevel=1) as out:
        out.write(b"a\n")
        for _ in range(100):
            out.write(b"x" * 1_048_576)
        out.write(b"\nb\n")
    tracemalloc.start()
    found = list(read_inputs(str(file), LIMIT))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * PIECE_BYTES
    assert [one.data for one in found] == [b"a", b"", b"b"]
    assert found[1].problem.startswith("104857600 bytes")


def test_memory_is_bounded_however_many_objects_a_line_holds(file: Path) -> None:
    with gzip.open(file, "wb", compresslevel=1) as out:
        for number in range(100):
            out.write(b"".join(b'{"n":%d,"s":"%s"}' % (number * 100 + at, b"x" * 10_000) for at in range(100)))
    tracemalloc.start()
    numbers = [int(one.data[5 : one.data.index(b",")]) for one in read_inputs(str(file), LIMIT)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < PIECE_BYTES
    assert numbers == list(range(10_000))


def test_standard_input_is_read_and_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for content in (b"a\nb\n", gzip.compress(b"a\nb\n")):
        stdin = io.BufferedReader(io.BytesIO(content))
        monkeypatch.setattr(files, "sys", SimpleNamespace(stdin=SimpleNamespace(buffer=stdin)))
        assert [one.origin for one in read_inputs("-", LIMIT)] == ["-:1", "-:2"]
        assert not stdin.closed


def test_a_file_that_cannot_be_opened_is_reported_before_anything_is_read(tmp_path: Path) -> None:
    for path, why in ((tmp_path / "none", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=f"{path} cannot be read: {why}"):
            next(read_inputs(str(path), LIMIT))
        with pytest.raises(UsageError, match=f"{path} cannot be read: {why}"):
            readable_bytes(["-", str(path)])


def test_the_size_is_known_of_plain_files_only(tmp_path: Path) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(b"abc\n")
    packed.write_bytes(gzip.compress(b"abc\n"))
    assert readable_bytes([str(plain), str(plain)]) == 8
    assert readable_bytes([str(plain), str(packed)]) is None
    assert readable_bytes([str(plain), "-"]) is None
