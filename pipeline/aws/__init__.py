"""Read what AWS holds: log groups of CloudWatch Logs, Kinesis data streams, objects in S3."""
