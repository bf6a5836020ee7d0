"""Prometheus metrics of all processes: each metric is declared here, once, with its labels and unit."""
