"""Extend Faust's Kafka consumer: batches, checked fetches, tracked offsets, and recovery from rebalances."""
