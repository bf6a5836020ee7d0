"""Read events again from Kafka, the archive or files into tables or Kafka, resumably, while workers run."""
