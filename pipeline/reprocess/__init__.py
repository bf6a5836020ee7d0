"""Events read again from Kafka, the archive or files into tables that hold them: resumable, beside live workers."""
