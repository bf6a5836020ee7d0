"""Where a job reads: a topic, the archive, files."""
