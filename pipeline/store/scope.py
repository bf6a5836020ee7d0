"""Define which conversations a command is about: those of a bot, in a time range."""

from dataclasses import dataclass

LAST_TIME = 4_102_444_800_000
"""The year 2100 in milliseconds: no later event is valid."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The conversations of one bot, or of all, that have an event or a start in a time range.

    The range is in milliseconds, `until` exclusive.
    """

    bot_id: str | None = None
    since: int | None = None
    until: int | None = None

    @property
    def timed(self) -> bool:
        """Return whether the time range has a bound."""
        return self.since is not None or self.until is not None

    def parameters(self) -> dict[str, object]:
        """Return the query parameters for the bounds of the time range."""
        return {"since": self.since or 0, "until": LAST_TIME if self.until is None else self.until}
