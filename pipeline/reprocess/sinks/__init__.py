"""Write the batches of a job to the live tables, to shadow tables or to Kafka."""
