"""Send messages to Kafka through librdkafka, and know which of them Kafka has."""
