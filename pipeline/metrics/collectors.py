"""Numbers that are kept by hand in; Prometheus families out: for what its own types would count too slowly or late."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

Lag = tuple[str, int, int]
"""Topic, partition, records."""


class Ages(Collector):
    """A histogram of ages in seconds, by one label, that takes a whole batch of timestamps at once.

    Prometheus's own takes values one by one, 0.6 us each, which a worker would spend on every event. Most records of
    a batch share their millisecond with others; counted by it first, they cost 0.03 us each.
    """

    def __init__(self, name: str, text: str, label: str, bounds: Sequence[float]) -> None:
        self._name, self._text, self._label, self._bounds = name, text, label, bounds
        self._counts: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(bounds) + 1))
        self._sums: defaultdict[str, float] = defaultdict(float)

    def observe(self, value: str, timestamps: Iterable[int], now: int) -> None:
        """Add one age for each timestamp, in milliseconds; those of a clock ahead of ours count as new."""
        counts = self._counts[value]
        for timestamp, count in Counter(timestamps).items():
            age = max(0, now - timestamp) / 1000
            counts[bisect_left(self._bounds, age)] += count
            self._sums[value] += age * count

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """The histogram, for Prometheus."""
        family = HistogramMetricFamily(self._name, self._text, labels=[self._label])
        names = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for value, counts in list(self._counts.items()):
            family.add_metric([value], list(zip(names, map(float, accumulate(counts)), strict=True)), self._sums[value])
        yield family


class Lags(Collector):
    """A gauge a partition, asked for when Prometheus asks: a partition that is given away leaves no number behind."""

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name, text
        self.read: Callable[[], Iterable[Lag]] = tuple

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, for Prometheus."""
        family = GaugeMetricFamily(self._name, self._text, labels=["topic", "partition"])
        for topic, partition, records in self.read():
            family.add_metric([topic, str(partition)], records)
        yield family
