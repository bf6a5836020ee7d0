"""What every process needs around its work: errors, retries, the clock, TLS, sockets."""
