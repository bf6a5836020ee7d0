"""Plans and reports of jobs say the same to people and to programs."""

import orjson
import pytest

from agents.cli.output.report import EXAMPLES, JobReport, print_plan, print_report
from pipeline.reprocess.job import Begun
from pipeline.store.compare import Comparison, Example
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Run, Source, Target, WorkUnit

COUNTS = JobCounts(read=1_808, valid=1_800, dead=8, touched=400, changed=31, bytes=1_000_000)
COMPARISON = Comparison(
    conversations=400,
    different=31,
    missing=2,
    extra=1,
    lacking=7,
    columns={"end_state": 31},
    examples={"end_state": [Example(("BOT", f"s\x1b{n}", "r"), "Success", "") for n in range(EXAMPLES + 2)]},
)


def begun(kind: JobKind, into: Target, *, resumed: bool = False) -> Begun:
    run = Run(job=Job(kind=kind, into=into, rules=JobRules("1", ())), begun=1)
    half = JobCounts(done=1_000)
    units = {
        "a\x1b": WorkUnit(source=Source("a\x1b", "0", (), (), 2_000), position=(), counts=half),
        "b": WorkUnit(source=Source("b", "1", (), (), 0), position=(), counts=JobCounts(), finished=True),
        "c": WorkUnit(source=Source("c", "2", (), (), 0), position=(), counts=JobCounts()),
    }
    return Begun("run-1", run, units, resumed)


def test_a_plan_names_the_units_and_how_much_of_each_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(begun(JobKind.REPLAY, Target.LIVE), as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "run-1: would begin a replay into the live tables",
        "  a\N{REPLACEMENT CHARACTER}: 2,000 events, 50% done",
        "  b: 0 events, done",
        "  c: 0 events, 0% done",
    ]


def test_a_plan_of_a_pull_is_in_time_or_of_unknown_size(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(begun(JobKind.CLOUDWATCH, Target.KAFKA), as_json=False)
    assert "0:00:02, 50% done" in capsys.readouterr().out
    print_plan(begun(JobKind.KINESIS, Target.KAFKA), as_json=False)
    assert "of unknown size, 0% done" in capsys.readouterr().out


def test_a_plan_of_files_is_in_bytes_and_may_resume(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(begun(JobKind.BACKFILL, Target.KAFKA, resumed=True), as_json=False)
    first, second, *_ = capsys.readouterr().out.splitlines()
    assert first == "run-1: would resume a backfill into Kafka"
    assert "2.0 kB, 50% done" in second


def test_a_plan_as_json_has_the_run_and_its_units(capsys: pytest.CaptureFixture[str]) -> None:
    print_plan(begun(JobKind.REBUILD, Target.NEW), as_json=True)
    plan = orjson.loads(capsys.readouterr().out)
    assert (plan["run"], plan["resumed"], plan["plan"]["job"]["kind"]) == ("run-1", False, "rebuild")
    assert [unit["source"]["name"] for unit in plan["units"]] == ["a\x1b", "b", "c"]


def test_a_report_of_the_live_tables_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(JobReport("run-1", counts=COUNTS, seconds=1.44), Target.LIVE, as_json=False)
    assert capsys.readouterr().out == (
        "run-1: read 1,808 (1.0 MB) in 1.4 s; 1,800 valid, 8 dead, 0 failed; conversations: 400 touched, 31 changed\n"
    )


def test_a_report_of_what_workers_have_still_to_fold_counts_no_conversations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_report(JobReport("run-1", counts=JobCounts(read=3, valid=3), seconds=1.44), Target.KAFKA, as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "run-1: read 3 (0 bytes) in 1.4 s; 3 valid, 0 dead, 0 failed",
        "sent to Kafka: `turnfold status` shows how much of it is not folded yet",
    ]


def test_a_report_of_new_tables_shows_some_examples_and_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(JobReport("run-1", counts=COUNTS, comparison=COMPARISON), Target.NEW, as_json=False)
    _, compared, column, *examples, last = capsys.readouterr().out.splitlines()
    assert compared == "400 conversations compared: 31 differ, 2 only live, 1 only new; 7 events only live"
    assert column == "  end_state: 31 differ"
    assert examples == [f"    BOT s\N{REPLACEMENT CHARACTER}{n} r: Success -> (empty)" for n in range(EXAMPLES)]
    assert last == "not swapped: the same command with --swap does that"


def test_a_report_of_swapped_tables_says_how_to_drop_the_retired_ones(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(JobReport("run-1", comparison=COMPARISON, swapped=True), Target.NEW, as_json=False)
    assert capsys.readouterr().out.splitlines()[-1] == "swapped; `turnfold runs drop old` drops the retired tables"


def test_a_report_as_json_has_all_examples(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(JobReport("run-1", counts=COUNTS, comparison=COMPARISON, mended=3), Target.NEW, as_json=True)
    report = orjson.loads(capsys.readouterr().out)
    assert (report["run"], report["counts"]["read"], report["mended"], report["swapped"]) == ("run-1", 1_808, 3, False)
    assert len(report["comparison"]["examples"]["end_state"]) == EXAMPLES + 2
