"""A file with secrets is private if nobody but its owner can read or change it; root may share it with a group."""

import os
import stat

import pytest

from pipeline.runtime.file_modes import is_open

ANOTHER = 12345
"""A user that is not root."""


def status(uid: int, bits: int) -> os.stat_result:
    return os.stat_result((stat.S_IFREG | bits, 1, 1, 1, uid, uid, 0, 0, 0, 0))


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o602, 0o610, 0o660, 0o644, 0o777])
def test_a_file_that_others_may_read_or_change_is_refused(bits: int) -> None:
    assert is_open(status(ANOTHER, bits))
    assert is_open(status(0, bits)) == (bits != 0o640)


@pytest.mark.parametrize("bits", [0o600, 0o400, 0o700])
def test_a_file_of_its_owner_alone_is_not(bits: int) -> None:
    assert not is_open(status(ANOTHER, bits))
    assert not is_open(status(0, bits))


def test_roots_group_may_read_as_where_kubernetes_hands_a_secret() -> None:
    assert not is_open(status(0, 0o440))
    assert not is_open(status(0, 0o640))
    assert is_open(status(0, 0o444))
