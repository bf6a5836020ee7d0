"""Read the inputs of a job from a topic, the archive or files."""
