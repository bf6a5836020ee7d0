"""How long a broker may hold a fetch; by itself, so that workers need no kafka-python to know it."""

FETCH_WAIT_MS = 100
"""At the end of a partition a fetch waits this long for nothing. The embedded broker looks for new records a few times
in so long: at Faust's own 1,500 an event waits 390 ms for it (p50; 710 at most), at 100 it waits 17 (50)."""
