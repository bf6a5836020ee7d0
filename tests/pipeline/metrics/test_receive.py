from pipeline.metrics.receive import ReceiveMetrics


def test_it_counts_requests_events_and_bytes_and_shows_what_waits() -> None:
    metrics = ReceiveMetrics()
    metrics.watch(lambda: 7, lambda: 8)
    metrics.answered("Firehose", 200, 0.1)
    metrics.received("Firehose", 100)
    metrics.kept("Firehose", 3, 1)
    text = metrics.text().decode()
    for line in (
        'turnfold_requests_total{operation="Firehose",status="200"} 1.0',
        'turnfold_received_bytes_total{operation="Firehose"} 100.0',
        'turnfold_received_total{kind="entry",operation="Firehose"} 3.0',
        'turnfold_received_total{kind="dead",operation="Firehose"} 1.0',
        "turnfold_receive_held_bytes 7.0",
        "turnfold_receive_unacknowledged 8.0",
    ):
        assert line in text
