"""Histograms by batch equal Prometheus's own; a gauge by partition is read at each scrape."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from pipeline.metrics.collectors import AgeHistogram, LagGauge

BOUNDS = (0.1, 0.5, 1, 60)
NOW = 1_780_000_000_000


def written(batches: Iterable[tuple[str, list[int]]]) -> tuple[str, str]:
    """The same observations, by the batch and one by one."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    ages = AgeHistogram("age_seconds", "Age", "agent", BOUNDS)
    ours.register(ages)
    plain = Histogram("age_seconds", "Age", ["agent"], buckets=BOUNDS, registry=theirs)
    for agent, timestamps in batches:
        ages.observe(agent, timestamps, NOW)
        for timestamp in timestamps:
            plain.labels(agent).observe(max(0, NOW - timestamp) / 1000)
    return text(ours), text(theirs)


def text(registry: CollectorRegistry) -> str:
    lines = generate_latest(registry).decode().splitlines()
    return "\n".join(line for line in lines if "_created" not in line)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("intake", "conversations")),
            # multiples of 250 ms have exact sums, whatever the order
            st.lists(st.integers(-8, 800).map(lambda quarters: NOW - 250 * quarters), min_size=1),
        )
    )
)
def test_a_batch_is_observed_like_its_values_one_by_one(batches: list[tuple[str, list[int]]]) -> None:
    ours, theirs = written(batches)
    assert ours == theirs


def test_a_clock_ahead_of_ours_gives_no_negative_age() -> None:
    ours, _ = written([("intake", [NOW + 5_000])])
    assert 'age_seconds_sum{agent="intake"} 0.0' in ours
    assert 'le="0.1"} 1.0' in ours


def test_a_revoked_partition_leaves_no_value() -> None:
    registry = CollectorRegistry()
    lags = LagGauge("lag_records", "Lag")
    registry.register(lags)
    assert registry.get_sample_value("lag_records", {"topic": "turns", "partition": "1"}) is None
    lags.read = lambda: [("turns", 1, 7), ("turns", 2, 0)]
    assert registry.get_sample_value("lag_records", {"topic": "turns", "partition": "1"}) == 7
    lags.read = lambda: [("turns", 2, 3)]
    assert registry.get_sample_value("lag_records", {"topic": "turns", "partition": "1"}) is None
    assert registry.get_sample_value("lag_records", {"topic": "turns", "partition": "2"}) == 3
