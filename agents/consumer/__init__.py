"""Faust's Kafka consumer in batches: checked fetches, tracked offsets, survived rebalances."""
