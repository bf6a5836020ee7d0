"""`turnfold backfill` needs Kafka's topics unless it writes directly, and something to read in any case."""

from pathlib import Path

from pipeline.config.settings import Settings
from tests.agents.cli.command import turnfold
from tests.broker_matrix import ON_EMBEDDED
from tests.events import raw


@ON_EMBEDDED
def test_without_topics_it_names_the_command_that_creates_them(kafka_settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "turns.jsonl").write_bytes(raw())
    ended = turnfold(kafka_settings, "backfill", str(tmp_path))
    assert ended.status == 2
    assert "`turnfold migrate`" in ended.err


def test_without_paths_it_shows_its_usage() -> None:
    ended = turnfold(Settings(), "backfill")
    assert ended.status == 2
    assert "Missing argument 'PATH...'" in ended.err
