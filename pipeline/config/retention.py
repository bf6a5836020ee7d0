"""How long events and conversations of each bot are kept, and what may be gone already."""

from typing import Self

import msgspec

from pipeline.config.settings import Settings
from schemas.topics import DAY_MS

LONGEST_DAYS = 2.0
"""Hardly a conversation goes on for longer: a session of Lex ends after a day of silence at the latest."""
MARGIN_MS = 3_600_000
"""More than clocks differ, and than a command takes from one look to the next."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Days, those of single bots by their ids; 0 is for good."""

    archive_days: float = 0.0
    archive_days_bots: dict[str, float] = {}
    conversation_days: float = 0.0
    conversation_days_bots: dict[str, float] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The retention that the settings say."""
        return cls(**{name: getattr(settings, name) for name in cls.__struct_fields__})

    @property
    def archives_for_good(self) -> bool:
        """Whether no event of any bot ever expires."""
        return not self.archive_days and not any(self.archive_days_bots.values())

    def closing(self, bot_id: str, now: int) -> int:
        """The moment before which a conversation of this bot may have lost events, or is about to; 0 where none does.

        Times are in milliseconds.
        """
        days = self.archive_days_bots.get(bot_id, self.archive_days)
        return max(0, round(now - (days - LONGEST_DAYS) * DAY_MS + MARGIN_MS)) if days else 0

    def closed(self, bot_id: str, moment: int, now: int) -> bool:
        """Whether a conversation of this bot with a sign of life at `moment` is such a one."""
        return moment < self.closing(bot_id, now)

    def over(self, bot_id: str, end: int, now: int) -> bool:
        """Whether a conversation of this bot that ended then may have no row any more, or is about to lose it."""
        days = self.conversation_days_bots.get(bot_id, self.conversation_days)
        return bool(days) and end < now - days * DAY_MS + MARGIN_MS


FOR_GOOD = Retention()
