"""How much of ClickHouse a question may take in; the settings that say so, and in words what would take more, out."""

from dataclasses import dataclass

TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED = 159, 160, 241
TOO_MUCH = {158, 307, 396}
"""TOO_MANY_ROWS, TOO_MANY_BYTES, TOO_MANY_ROWS_OR_BYTES: limits that whoever runs ClickHouse has set for our user."""
OF_THE_QUERY = ("Query memory limit", "(for query)")
"""How ClickHouse words that a query's own memory is meant, now and formerly; not that of the server or the user."""


@dataclass(frozen=True, slots=True)
class Limits:
    """For one statement, which only reads.

    Attributes:
        seconds: that it may take.
        memory: bytes that it may take.
    """

    seconds: float
    memory: int

    def settings(self) -> dict[str, object]:
        """As ClickHouse knows them."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",  # a part of an answer is none
            "max_memory_usage": self.memory,
            "cancel_http_readonly_queries_on_client_close": 1,  # what is given up here does not go on there
            "readonly": 1,
        }

    def exceeded(self, code: int, text: str) -> str:
        """What a statement that failed so would have taken; empty if that is not why."""
        if code in {TIMEOUT_EXCEEDED, TOO_SLOW}:
            return f"the query would take more than {self.seconds:g} s"
        if code == MEMORY_LIMIT_EXCEEDED and any(words in text for words in OF_THE_QUERY):
            return f"the query would take more than {self.memory:,} bytes of memory"
        if code in TOO_MUCH:
            return "the query would take more than ClickHouse lets us read"
        return ""
