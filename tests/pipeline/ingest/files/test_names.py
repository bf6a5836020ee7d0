"""Every file name has a text that JSON and terminals can hold, and that leads back to the file."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ingest.files.names import name_of, path_of


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
