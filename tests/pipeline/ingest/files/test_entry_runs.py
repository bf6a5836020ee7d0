"""Entries in lines are taken together, and what lies between them is left to the splitter."""

from collections.abc import Sequence

from pipeline.ingest.files.buffer import ByteBuffer
from pipeline.ingest.files.entry_runs import BLOCK_BYTES, RARE, EntryLines, EntryRuns
from pipeline.ingest.files.json_splitter import JsonSplitter
from tests.pipeline.ingest.json_layouts import Chunks


class Letters:
    """A check that finds lines which are an object with a member; `tried` are the blocks that it was given."""

    def __init__(self) -> None:
        self.tried: list[bytes] = []

    def __call__(self, block: bytes) -> EntryLines:
        self.tried.append(block)
        texts = []
        for line in block.split(b"\n"):
            if not line.startswith(b'{"') or not line.endswith(b"}"):
                break
            texts.append(line)
        return EntryLines([b""] * len(texts), texts, sum(map(len, texts)) + len(texts))


def read(text: bytes, check: Letters) -> tuple[Sequence[bytes], int]:
    """Return the runs, joined by bars, and the pieces between them, and the line after the last."""
    buffer = ByteBuffer(Chunks([text]))
    splitter = JsonSplitter(buffer)
    runs, pieces = EntryRuns(splitter, buffer, check), splitter.pieces()
    found: list[bytes] = []
    while True:
        while lines := runs.take():
            found.append(b"|".join(lines.texts))
        if (piece := next(pieces, None)) is None:
            return found, splitter.line
        found.append(piece.text)


def test_runs_may_be_taken_between_any_two_pieces() -> None:
    found, line = read(b'x\n{"a":1}\n{"b":2}\n{}{}\n{"c":3}\n{"d":4}', Letters())
    assert found == [b"x", b'{"a":1}|{"b":2}', b"{}", b"{}", b'{"c":3}', b'{"d":4}']
    assert line == 7, "after the last one"


def test_more_lines_are_tried_at_once_as_long_as_all_are_taken() -> None:
    check = Letters()
    found, _ = read(b'{"a":1}\n' * 50_000 + b"x\n", check)
    assert sum(one.count(b"|") + 1 for one in found[:-1]) == 50_000
    assert len(check.tried) < 20
    assert max(map(len, check.tried)) <= BLOCK_BYTES.stop


def test_where_no_line_is_taken_few_are_tried() -> None:
    check = Letters()
    found, _ = read(b"x y\n" * 5_000 + b'{"a":1}\n' * 100, check)
    assert len(check.tried) < RARE + 5_000 / RARE + 20
    assert found[-1].count(b"|") > 0, "once one is an entry, the next ones are tried at once"
    assert len(found) < 5_000 + 2 * RARE


def test_a_line_that_was_not_taken_is_tried_once() -> None:
    check = Letters()
    read(b'{"a":1}\nx\n' * 10, check)
    assert sum(block.startswith(b"x") for block in check.tried) == 10
