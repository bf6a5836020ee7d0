"""Jobs run from the command line: their options, their progress and problems, and their exit statuses."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
import orjson
import pytest
from click.testing import CliRunner

from agents.cli.reprocess import MAX_PRINTED, JobOptions, _Reporter, job_options
from pipeline.config.settings import Settings
from schemas.reprocessing import JobCounts
from tests.agents.cli.command import turnfold
from tests.events import raw


def options(*arguments: str) -> JobOptions:
    """Parse arguments as a command with these options does."""
    parsed: list[JobOptions] = []

    @click.command()
    @click.option("--swap", is_flag=True)
    @click.argument("paths", nargs=-1)
    @job_options
    def command(*, paths: Sequence[str], options: JobOptions) -> None:
        assert list(paths) == ["a"]
        parsed.append(options)

    CliRunner().invoke(command, [*arguments, "a"], catch_exceptions=False, standalone_mode=False)
    return parsed[0]


def test_a_command_gets_its_options_as_one_value() -> None:
    assert options() == JobOptions()
    assert options("--swap", "--processes=3", "--limit=0.5", "--dry-run", "--json") == JobOptions(
        swap=True, processes=3, limit=0.5, dry_run=True, as_json=True
    )
    assert options("--assist").assist


@pytest.mark.parametrize("argument", ["--limit=0", "--limit=-1", "--processes=0", "--processes=65"])
def test_an_option_out_of_its_range_is_refused(argument: str) -> None:
    with pytest.raises(click.BadParameter, match="is not in the range"):
        options(argument)


class Display:
    """A display that keeps what it was last shown."""

    shown: tuple[int, int, int, int | None] | None = None

    def update(self, count: int, done: int, size: int = 0, behind: int | None = None) -> None:
        self.shown = (count, done, size, behind)


def test_the_first_problems_are_printed_and_the_rest_only_counted(capsys: pytest.CaptureFixture[str]) -> None:
    display = Display()
    reporter = _Reporter(display, lambda: 7)
    for number in range(MAX_PRINTED + 5):
        reporter(JobCounts(read=number, done=2 * number, bytes=3), [f"problem {number}"])
    lines = capsys.readouterr().err.splitlines()
    assert lines == [*(f"problem {n}" for n in range(MAX_PRINTED)), "further problems are only counted"]
    assert display.shown == (MAX_PRINTED + 4, 2 * (MAX_PRINTED + 4), 3, 7)


def test_many_problems_at_once_are_limited_as_well(capsys: pytest.CaptureFixture[str]) -> None:
    _Reporter(None)(JobCounts(), [f"problem {number}" for number in range(10 * MAX_PRINTED)])
    assert len(capsys.readouterr().err.splitlines()) == MAX_PRINTED + 1


def test_a_job_is_planned_run_and_listed(with_tables: Settings, kafka_settings: Settings, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(with_tables, kafka=kafka_settings.kafka)  # where other workers are looked up
    file = tmp_path / "turns.jsonl"
    file.write_bytes(b"\n".join([raw(requestId=f"request-{n}") for n in range(3)] + [b"{"]))
    command = ("backfill", "--direct", str(file))
    planned = turnfold(settings, *command, "--dry-run")
    assert (planned.status, planned.out.count("would begin a backfill into the live tables")) == (0, 1)
    done = turnfold(settings, *command, "--json")
    report = orjson.loads(done.out)
    assert (done.status, report["resumed"], report["counts"]["valid"], report["counts"]["dead"]) == (0, False, 3, 1)
    listed = turnfold(settings, "runs")
    assert f"{report['run']}  into live  done, 100% read" in listed.out


def test_clickhouse_that_is_unavailable_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "turns.jsonl").write_bytes(raw())
    away = Settings(clickhouse="http://127.0.0.1:1", clickhouse_timeout=0.5)
    ended = turnfold(away, "backfill", "--direct", str(tmp_path))
    assert (ended.status, ended.out) == (1, "")
    assert "127.0.0.1:1" in ended.err
    assert len(ended.err.splitlines()) == 1
