"""Check, decompress and repair record batches before a Kafka client decodes them."""
