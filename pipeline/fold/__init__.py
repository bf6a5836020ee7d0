"""Turn events in, conversations out: pure functions and a bounded memory."""
