"""What may have expired is told by bot, with room for conversations that last and for clocks that differ."""

import pytest

from pipeline.config.retention import FOR_EVER, MARGIN_MS, MAX_CONVERSATION_DAYS, Retention
from pipeline.config.settings import Settings
from schemas.topics import DAY_MS

NOW = 1_800_000_000_000
ONE, TWO = "BOTAAAAAA1", "BOTBBBBBB2"
KEPT = Retention(archive_days=30, archive_days_bots={ONE: 0, TWO: 90.5}, conversation_days=400)


def test_the_settings_are_taken_over() -> None:
    assert Retention.of(Settings(archive_days=9, conversation_days_bots={ONE: 3})) == Retention(
        archive_days=9, conversation_days_bots={ONE: 3}
    )
    assert Retention.of(Settings()) == FOR_EVER


@pytest.mark.parametrize(("bot", "days"), [("BOTCCCCCC3", 30), (TWO, 90.5)])
def test_a_conversation_is_closed_before_the_first_event_of_one_like_it_expires(bot: str, days: float) -> None:
    moment = round(NOW - (days - MAX_CONVERSATION_DAYS) * DAY_MS + MARGIN_MS)
    assert KEPT.archive_cutoff(bot, NOW) == moment
    assert KEPT.is_past_cutoff(bot, moment - 1, NOW)
    assert not KEPT.is_past_cutoff(bot, moment, NOW)


def test_what_is_kept_for_good_never_closes_nor_ends() -> None:
    assert not KEPT.is_past_cutoff(ONE, 0, NOW)
    assert not FOR_EVER.is_past_cutoff(TWO, 0, NOW)
    assert not FOR_EVER.is_expired(TWO, 0, NOW)
    assert FOR_EVER.keeps_all_events
    assert Retention(archive_days_bots={ONE: 0}).keeps_all_events
    assert not Retention(archive_days_bots={ONE: 1}).keeps_all_events
    assert not KEPT.keeps_all_events


def test_a_row_may_be_gone_an_hour_early() -> None:
    gone = round(NOW - 400 * DAY_MS + MARGIN_MS)
    assert KEPT.is_expired(ONE, gone - 1, NOW)
    assert not KEPT.is_expired(ONE, gone, NOW)
