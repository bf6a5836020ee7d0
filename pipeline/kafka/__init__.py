"""Kafka's side of the stack for tools: topics, offsets, dead letters, and a bounded producer."""
