"""Workers of two groups, each with its own topics, may fold events of the same conversations into one database."""

import random

import pytest

from pipeline.kafka.producer.produce import Producer
from pipeline.kafka.topics import create_topics
from tests.brokers import unused
from tests.integration.component_stack import ComponentStack
from tests.integration.stack import is_folded
from tests.integration.tables import assert_tables
from tests.integration.traffic import share_of_lines

pytestmark = pytest.mark.search  # a share of the traffic in `make test`

TOPICS = ("kafka_group", "topic_raw", "topic_turns", "topic_dead")
SLICE = 10
"""Events that are sent at a time, so that both groups fold a conversation by turns."""


def test_conversations_whose_events_are_in_two_clusters_are_folded_whole(parts: ComponentStack) -> None:
    """As when producers move to another cluster: the topics are others, and so is the group."""
    traffic = share_of_lines(seed=37, conversations=200)
    chance, other = random.Random(5), unused(parts.settings)  # noqa: S311 - no secret is made of it
    create_topics(other)
    small = {"TURNFOLD_FLUSH_SECONDS": "0.1"}
    parts.start_worker(**small)
    parts.start_worker(**small, **{f"TURNFOLD_{name.upper()}": getattr(other, name) for name in TOPICS})
    parts.wait_until(lambda: parts.log.count("reading ") >= 2, "two groups")
    with Producer(parts.settings, on_failure=lambda failure: pytest.fail(str(failure))) as producer:
        for first in range(0, len(traffic), SLICE):
            for line in traffic[first : first + SLICE]:
                producer.send(chance.choice([parts.settings, other]).topic_raw, None, line)
            producer.flush()
    parts.wait_until(lambda: is_folded(other), "the end of the other topics")
    parts.wait_until_folded()
    assert parts.run("audit", "--pause=0.5") == ""
    assert_tables(parts, traffic)
    parts.wait_for_log("other writers are active")
