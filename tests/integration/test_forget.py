"""A person is forgotten among workers at work, everywhere, and stays forgotten whatever is read again."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from tests.effort import IN_SEARCH
from tests.events import entry
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import BROKEN, share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

WHO = "guest-7"
CUT = b'{"messageVersion":"2.0","sessionId":"guest-7","inputTranscript":"my secr'
OTHER_CUT = CUT.replace(b"guest-7", b"guest-77")


@pytest.fixture(scope="module")
def talk() -> list[bytes]:
    return share_of_lines(seed=23, conversations=200)


def of_others(talk: list[bytes]) -> list[bytes]:
    """What is left of the traffic."""
    return [line for line in talk if line in BROKEN or orjson.loads(line)["sessionId"] != WHO]


def remains(parts: ComponentStack) -> list[int]:
    """Rows of both tables that tell of the person, replaced ones too."""
    count = "SELECT count() AS n FROM turnfold.{} WHERE session_id = '{}'"
    return [int(parts.answers(count.format(table, WHO))[0]["n"]) for table in ("turns", "conversations")]


@IN_SEARCH
def test_nothing_is_left_of_a_person_and_all_of_the_others(
    parts: ComponentStack, talk: list[bytes], tmp_path: Path
) -> None:
    for _ in range(2):
        parts.start_worker(TURNFOLD_FLUSH_SECONDS="0.05", TURNFOLD_FLUSH_EVENTS="20")
    half = len(talk) // 2
    parts.send([*talk[:half], CUT, OTHER_CUT, said("2099-01-01T00:00:00.000Z", "by-a-clock-ahead")])
    parts.wait_until_folded()
    assert min(remains(parts)) > 0
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(trickle, parts, talk[half:])
        forget(parts)
        sending.result()
    parts.wait_until_folded()
    forget(parts)
    assert remains(parts) == [0, 0]
    assert_tables(parts, of_others(talk))
    assert WHO not in parts.log

    file = tmp_path / "talk.jsonl"
    file.write_bytes(b"\n".join(line for line in talk if line not in BROKEN))
    parts.run("replay")
    parts.run("backfill", "--direct", str(file))
    parts.run("replay", "--into=new", "--swap")
    parts.run("runs", "drop", "old")
    parts.run("rebuild", "--into=new", "--swap")
    assert remains(parts) == [0, 0]
    assert_tables(parts, of_others(talk))
    assert parts.run("audit", "--pause=0.5") == ""

    parts.send(
        [said("2001-01-01T00:00:00.000Z", "by-a-clock-behind"), said("2099-01-01T00:00:00.000Z", "by-one-ahead")]
    )
    parts.wait_until_folded()
    parts.run("replay")
    assert remains(parts) == [2, 2], "who comes back is seen again, whatever the clocks"


def said(moment: str, request: str) -> bytes:
    """What the person says at a moment, by the bot's clock."""
    state = {"originatingRequestId": request}
    return orjson.dumps(entry(timestamp=moment, sessionId=WHO, requestId=request, sessionState=state))


def trickle(parts: ComponentStack, talk: list[bytes]) -> None:
    """Send it in many small portions."""
    for first in range(0, len(talk), 20):
        parts.send(talk[first : first + 20])


def forget(parts: ComponentStack) -> None:
    """The command, which may say that its broker deletes nothing."""
    parts.run("forget", "--user", WHO, "--yes", statuses=[0, 1])
