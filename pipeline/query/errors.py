"""Errors of a query that cannot be answered."""


class InvalidQueryError(Exception):
    """The request is invalid, so a retry cannot help. `where` is the member's path, such as `filters[2].operator`."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


class PreconditionError(Exception):
    """What is stored cannot answer the query yet. The text says why, and what an operator can do about it."""


class NotFoundError(Exception):
    """The requested session does not exist, or no longer. The text says what was looked for."""
