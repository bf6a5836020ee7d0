"""One message has one budget of bytes, texts and values over all its layers."""

import base64
import gzip
import resource

import pytest

from pipeline.ingest.unwrap.budget import ENTRIES, INFLATION, Budget, BudgetError
from pipeline.runtime.errors import InvalidEventError, Reason
from tests.pipeline.ingest.unwrap.wrapped_entries import (
    LARGE,
    found,
)


def grown(data: bytes) -> int:
    """Return the bytes by which the process has grown at most while reading it."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found(data, LARGE)
    return 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)


def test_one_budget_is_for_all_layers_of_a_message() -> None:
    """Each layer fits by itself; together they are too much, and memory does not hold them all."""
    data = b"x"
    for _ in range(6):
        padding = b" " * 20_000_000
        data = gzip.compress(b'{"awslogs":{"data":"%s"},"p":"%s"}' % (base64.b64encode(data), padding), 1)
    assert found(data, LARGE) == [Reason.TOO_LARGE]
    assert grown(data) < 400_000_000


def test_a_list_of_very_many_values_is_not_held() -> None:
    assert found(gzip.compress(b"[" + b"1," * 10_000_000 + b"1]", 1), LARGE) == [Reason.TOO_LARGE]
    assert found(gzip.compress(b'{"logEvents":[' + b"{}," * 10_000_000 + b"1]}", 1), LARGE) == [Reason.TOO_LARGE]
    assert found(gzip.compress(b"{x\n{}" + b"\n" * 10_000_000 + b"x", 1), LARGE) == [Reason.TOO_LARGE]


def test_what_is_spent_is_counted_and_bounded() -> None:
    budget = Budget(10)
    budget.unpack(100)
    assert budget.unpacked == 100
    with pytest.raises(BudgetError, match="decompresses to more than 160 bytes over all its layers"):
        budget.unpack(INFLATION * 10)
    budget = Budget(10)
    budget.take(ENTRIES)
    with pytest.raises(BudgetError, match="holds more than"):
        budget.take(1)


def test_gzip_is_decompressed_up_to_an_error() -> None:
    whole = gzip.compress(b"first") + gzip.compress(b"second")
    assert Budget(100).gunzip(whole) == (b"firstsecond", "")
    text, problem = Budget(100).gunzip(whole[:-4])
    assert (text, problem) == (b"firstsecond", "cut off before its end")
    with pytest.raises(BudgetError):
        Budget(1).gunzip(whole + gzip.compress(b"third third"))


def test_base64_is_decoded_with_blanks_in_it() -> None:
    assert Budget(100).base64(b"Zmly\r\nc3Q=\n") == b"first"
    with pytest.raises(InvalidEventError, match="invalid base64"):
        Budget(100).base64(b"Zm%y")
    with pytest.raises(BudgetError):
        Budget(0).base64(b"Zmlyc3Q=")
