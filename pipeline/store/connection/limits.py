"""Limit time, memory and disk space of statements, and recognize the errors of those that exceed the limits."""

from dataclasses import dataclass

MIN_FREE_BYTES = 16 * 1024 * 1024
"""Free bytes of a disk below which nothing is inserted: one that fills up during an insert leaves broken parts."""
TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED = 159, 160, 241
ACCOUNT_LIMIT_CODES = {158, 307, 396}
"""TOO_MANY_ROWS, TOO_MANY_BYTES, TOO_MANY_ROWS_OR_BYTES: limits that ClickHouse's administrator set for our user."""
QUERY_MEMORY_TEXTS = ("Query memory limit", "(for query)")
"""Texts, of current and former versions, that tell a query's own memory limit from those of the server or the user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for one statement, which only reads.

    Attributes:
        seconds: maximum execution time.
        memory: maximum bytes of memory.
    """

    seconds: float
    memory: int

    def settings(self) -> dict[str, object]:
        """Return the ClickHouse settings for these limits."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",  # no partial results
            "max_memory_usage": self.memory,
            "cancel_http_readonly_queries_on_client_close": 1,  # a query that is given up here ends there too
            "readonly": 1,
        }

    def exceeded(self, code: int, text: str) -> str:
        """Return which limit a statement with this error exceeded, as a sentence; empty if none."""
        if code in {TIMEOUT_EXCEEDED, TOO_SLOW}:
            return f"the query would take more than {self.seconds:g} s"
        if code == MEMORY_LIMIT_EXCEEDED and any(part in text for part in QUERY_MEMORY_TEXTS):
            return f"the query would take more than {self.memory:,} bytes of memory"
        if code in ACCOUNT_LIMIT_CODES:
            return "the query would read more than ClickHouse allows our user"
        return ""
