"""The error of a question that cannot be answered: where in it, what is wrong, what would be right."""


class InvalidQueryError(Exception):
    """The request is wrong and will stay so. `where` is the member's path, such as `filters[2].operator`."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where


class NotFoundError(Exception):
    """There is no such thing, or no longer; the text says what was looked for."""
