"""What processes do, in Prometheus's terms: every metric is declared here, once, with its labels and unit."""
