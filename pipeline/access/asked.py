"""An HTTP request as it was sent: what a signature is about."""

from collections.abc import Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a request. `target` is path and query as sent; names of `headers` are in lower case."""

    method: str
    target: str
    headers: Headers
    body: bytes

    def all(self, name: str) -> list[str]:
        """The values of a header, one for each time that it is there."""
        return [value for found, value in self.headers if found == name]

    def one(self, name: str) -> str | None:
        """The value of a header; None where it is not there, or more than once."""
        values = self.all(name)
        return values[0] if len(values) == 1 else None
