"""The audit beside workers that are writing: it cries over nothing of theirs, and repairs without harm to it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.broker_matrix import ON_EMBEDDED
from tests.effort import IN_SEARCH
from tests.integration.component_stack import ComponentStack
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = [ON_EMBEDDED, pytest.mark.search]  # a share of the traffic in `make test`

SPOIL = """
INSERT INTO turnfold.conversations
SELECT * REPLACE (turns + 7 AS turns, version + 100 AS version, toUInt8(rand() % 2) AS is_deleted)
FROM turnfold.conversations WHERE cityHash64(session_id) % 3 = 0
"""


@pytest.fixture(scope="module")
def traffic() -> list[bytes]:
    return share_of_lines(seed=31, conversations=120)


def trickle(parts: ComponentStack, traffic: list[bytes]) -> None:
    """Send it in many small portions."""
    for first in range(0, len(traffic), 10):
        parts.send(traffic[first : first + 10])


@IN_SEARCH
def test_workers_at_work_are_no_difference(parts: ComponentStack, traffic: list[bytes]) -> None:
    for _ in range(2):
        parts.start_worker(TURNFOLD_FLUSH_SECONDS="0.01", TURNFOLD_FLUSH_EVENTS="10")
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(trickle, parts, traffic)
        while not sending.done():
            parts.run("audit", "--pause=1")
        sending.result()
    parts.wait_until_folded()
    parts.run("audit", "--pause=1")
    assert_tables(parts, traffic)


def test_a_repair_beside_workers_harms_nothing(parts: ComponentStack, traffic: list[bytes]) -> None:
    """Rows that would win for ever are there when the second half comes, and are repaired while it does."""
    half = len(traffic) // 2
    parts.start_worker(TURNFOLD_FLUSH_SECONDS="0.01", TURNFOLD_FLUSH_EVENTS="20")
    parts.send(traffic[:half])
    parts.wait_until_folded()
    parts.ask(SPOIL)
    with ThreadPoolExecutor(1) as sender:
        sending = sender.submit(trickle, parts, traffic[half:])
        parts.run("audit", "--pause=1", "--repair", statuses=[4])
        sending.result()
    parts.wait_until_folded()
    parts.run("audit", "--pause=0.2", "--repair", statuses=[0, 4])  # what was never at rest meanwhile
    parts.run("audit", "--pause=0.2")
    assert_tables(parts, traffic)
