"""The time that a broker may hold a fetch; in a module of its own, so that workers need not import kafka-python."""

FETCH_WAIT_MS = 100
"""Milliseconds that a fetch waits at the end of a partition.

The embedded broker looks for new records a few times in that time: at Faust's own 1,500 an event waits 390 ms for it
(p50; 710 at most), at 100 it waits 17 (50).
"""
