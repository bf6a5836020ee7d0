"""The harness finds nothing if nothing is wrong, and would find what is wrong."""

import msgspec
import pytest

from tests.chaos.faults import Faults
from tests.chaos.feed import Feed
from tests.chaos.run import cluster_with_faults, heal
from tests.chaos.verdict import judge
from tests.effort import IN_SEARCH
from tests.events import raw
from tests.integration.traffic import lines

SEED = 4
CONVERSATIONS, A_SECOND = 60, 60


def fed(faults: Faults) -> tuple[list[bytes], Feed]:
    """Send a few batches while a worker is killed, connections are cut, and partitions are added."""
    traffic = lines(SEED, CONVERSATIONS)
    feed = Feed(faults.parts.settings, traffic, A_SECOND, SEED)
    faults.refill()
    feed.start()
    for fault in (faults.add_partitions, faults.cut_connections, faults.kill_worker):
        fault()
    heal(faults, feed)
    return traffic, feed


@IN_SEARCH
@pytest.mark.apache
def test_mixed_traffic_is_folded_right_and_what_is_not_would_be_found(tmp_path_factory: pytest.TempPathFactory) -> None:
    with cluster_with_faults(tmp_path_factory.mktemp("chaos"), brokers=1, seed=SEED) as faults:
        faults.workers = 2
        traffic, feed = fed(faults)
        found = judge(faults.parts, traffic, feed.buried, len(faults.ended))
        assert found.good, found
        assert found.letters
        assert feed.sent["transactions committed"]
        assert feed.sent["events aborted"]
        state = {"originatingRequestId": "never", "intent": None, "dialogAction": {"type": "Close"}}
        more = [raw(requestId="never", sessionState=state)]
        lacking = judge(faults.parts, [*traffic[CONVERSATIONS:], *more], {*feed.buried, ("nowhere", 0, 0)})
        assert lacking.lost == lacking.letters_lost == 1
        assert lacking.events_double
        assert lacking.double == 0
        assert msgspec.structs.replace(found, workers_ended=1).good is False
