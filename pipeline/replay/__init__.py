"""Events read again from Kafka, the archive or files in; tables that hold them out: resumable, beside live workers."""
