"""Receive events over HTTP, and put them into Kafka."""
