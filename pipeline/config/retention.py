"""Decide how long events and conversations of each bot are kept, and which may have expired already."""

from typing import Self

import msgspec

from pipeline.config.settings import Settings
from schemas.topics import DAY_MS

MAX_CONVERSATION_DAYS = 2.0
"""Days that nearly every conversation lasts at most: a Lex session ends after a day of silence at the latest."""
MARGIN_MS = 3_600_000
"""Milliseconds of tolerance: more than clocks differ, and more than a command takes between two queries."""


class Retention(msgspec.Struct, frozen=True, kw_only=True):
    """Retention in days, for all bots and for single bots by bot id; 0 means for ever."""

    archive_days: float = 0.0
    archive_days_bots: dict[str, float] = {}
    conversation_days: float = 0.0
    conversation_days_bots: dict[str, float] = {}

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the retention of these settings."""
        return cls(**{name: getattr(settings, name) for name in cls.__struct_fields__})

    @property
    def keeps_all_events(self) -> bool:
        """Return whether no event of any bot ever expires."""
        return not self.archive_days and not any(self.archive_days_bots.values())

    def archive_cutoff(self, bot_id: str, now: int) -> int:
        """Return the time before which a conversation of this bot may have lost events, or is about to lose them.

        Times are in milliseconds; 0 means that no event expires.
        """
        days = self.archive_days_bots.get(bot_id, self.archive_days)
        return max(0, round(now - (days - MAX_CONVERSATION_DAYS) * DAY_MS + MARGIN_MS)) if days else 0

    def is_past_cutoff(self, bot_id: str, time: int, now: int) -> bool:
        """Return whether a conversation of this bot with an event at `time` may have lost events."""
        return time < self.archive_cutoff(bot_id, now)

    def is_expired(self, bot_id: str, end: int, now: int) -> bool:
        """Return whether a conversation of this bot that ended at `end` may have lost its row, or is about to."""
        days = self.conversation_days_bots.get(bot_id, self.conversation_days)
        return bool(days) and end < now - days * DAY_MS + MARGIN_MS


FOR_EVER = Retention()
"""Nothing expires."""
