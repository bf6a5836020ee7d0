"""Settings and a time in; whether the workers have folded, within it, all that Kafka held at the start, out."""

import time

from pipeline.config.settings import Settings
from pipeline.kafka.lag import PartitionLag, read_lag
from pipeline.runtime.errors import TransientError

PAUSE = 0.1


def wait_until_folded(settings: Settings, seconds: float) -> bool:
    """Wait until the workers have committed what the topics hold now: an offset is committed once it is written.

    What the intake agent passes on meanwhile counts too, since that is where entries of the raw topic go; and so, by
    the second look at the turns topic, does what was forwarded within it to the right partition. What lies
    behind the beginning of an open transaction is waited for as well: nobody can read it before that has ended.

    Raises:
        TransientError: Kafka does not answer.
    """
    deadline = time.monotonic() + seconds
    return all(_wait_for(settings, topic, deadline) for topic in (settings.topic_raw, *2 * [settings.topic_turns]))


def _wait_for(settings: Settings, topic: str, deadline: float) -> bool:
    ends = {lag.partition: lag.high_watermark for lag in _lags(settings, topic, deadline)}
    while any(lag.reached < ends.get(lag.partition, 0) for lag in _lags(settings, topic, deadline)):
        if time.monotonic() > deadline:
            return False
        time.sleep(PAUSE)
    return True


def _lags(settings: Settings, topic: str, deadline: float) -> list[PartitionLag]:
    patience = max(1.0, deadline - time.monotonic())
    lags = [lag for lag in read_lag(settings, patience) if lag.topic == topic]
    if not lags:
        raise TransientError(f"there is no topic {topic}")
    return lags
