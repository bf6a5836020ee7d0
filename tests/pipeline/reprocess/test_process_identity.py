"""A process counts as ended only if that is certain: not one of another user or machine."""

import os
import subprocess
import sys

import pytest

from pipeline.reprocess import process_identity
from pipeline.reprocess.process_identity import has_ended, identify

NOBODY = 65534
PLACE = identify().rpartition(":")[0].rpartition(":")[0]
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere a start cannot be told")


def ended_process() -> int:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], check=True, capture_output=True)
    return int(ended.stdout)


def test_this_process_has_not_ended() -> None:
    assert not has_ended(identify())
    assert identify() != identify()


def test_an_ended_process_has_ended() -> None:
    assert has_ended(f"{PLACE}:{ended_process()}:-0badcafe")


@ON_LINUX
def test_a_later_process_with_the_same_id_is_another() -> None:
    place, process, word = identify().rsplit(":", 2)
    started, _, chance = word.partition("-")
    assert started
    assert has_ended(f"{place}:{process}:{int(started) - 1}-{chance}")


@ON_LINUX
def test_a_zombie_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started, _ = process_identity._stat(process.pid) or ("", "")
        identity = f"{PLACE}:{process.pid}:{started}-0badcafe"
        assert not has_ended(identity)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert has_ended(identity)


def test_a_process_of_another_user_runs() -> None:
    """Signalling it raises PermissionError, which once ended a replay."""
    if os.geteuid() != 0:
        assert not has_ended(f"{PLACE}:1:-0badcafe")
        return
    identity = identify()
    child = os.fork()
    if not child:
        os.setuid(NOBODY)
        os._exit(int(has_ended(identity)))
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize(
    "identity",
    ["elsewhere:{ended}:0badcafe", "elsewhere/0123456789ab:{ended}:1-0badcafe", "nonsense", "a:b:c", "", ":::"],
)
def test_a_process_that_cannot_be_seen_from_here_has_not_ended(identity: str) -> None:
    assert not has_ended(identity.format(ended=ended_process()))


def test_an_impossible_process_id_is_no_error() -> None:
    assert not has_ended(f"{PLACE}:{10**30}:-0badcafe")
