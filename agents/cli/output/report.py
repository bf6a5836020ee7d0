"""Print the plan or the report of a reprocessing job: lines for people, or one JSON document."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
from rich.filesize import decimal

from agents.cli.output.write import say, write_json
from pipeline.reprocess.job import Begun
from pipeline.runtime.printable import printable
from pipeline.store.compare import Comparison
from schemas.reprocessing import JobCounts, JobKind, Target

EXAMPLES = 3
"""Number of examples per column that people are shown; JSON has them all."""


class JobReport(msgspec.Struct):
    """The result of a job. `mended` conversations of shadow tables were reconciled before the comparison."""

    run: str
    resumed: bool = False
    counts: JobCounts = msgspec.field(default_factory=JobCounts)
    seconds: float = 0.0
    filling: float = 0.0
    """Part of `seconds` until everything was read and written; the rest compares and swaps."""
    mended: int = 0
    comparison: Comparison | None = None
    swapped: bool = False


def print_plan(begun: Begun, *, as_json: bool) -> None:
    """Print the units of a job that would be run, and their progress."""
    if as_json:
        plan = {"run": begun.name, "resumed": begun.resumed, "plan": begun.run, "units": [*begun.units.values()]}
        write_json(msgspec.json.encode(plan))
        return
    job = begun.run.job
    say(f"{begun.name}: would {'resume' if begun.resumed else 'begin'} a {job.kind} into {_target(begun)}")
    for unit in begun.units.values():
        size = _size(job.kind, unit.source.total)
        done = "done" if unit.finished else f"{unit.counts.done / max(1, unit.source.total):.0%} done"
        say(f"  {printable(unit.source.name)}: {size}, {done}")


def print_report(report: JobReport, into: Target, *, as_json: bool) -> None:
    """Print the counts, the comparison of the tables, and whether they were swapped."""
    if as_json:
        write_json(msgspec.json.encode(report))
        return
    counts = report.counts
    folded = "" if into is Target.KAFKA else f"; conversations: {counts.touched:,} touched, {counts.changed:,} changed"
    say(
        f"{report.run}: read {counts.read:,} ({decimal(counts.bytes)}) in {report.seconds:,.1f} s; "
        f"{counts.valid:,} valid, {counts.dead:,} dead, {counts.failed:,} failed{folded}"
    )
    if into is Target.KAFKA:  # workers fold it, and count the conversations
        say("sent to Kafka: `turnfold status` shows how much of it is not folded yet")
    if report.comparison:
        for line in _differences(report.comparison):
            say(line)
    if report.swapped:
        say("swapped; `turnfold runs drop old` drops the retired tables")
    elif report.comparison:
        say("not swapped: the same command with --swap does that")


def _differences(comparison: Comparison) -> Iterator[str]:
    yield (
        f"{comparison.conversations:,} conversations compared: {comparison.different:,} differ, "
        f"{comparison.missing:,} only live, {comparison.extra:,} only new; {comparison.lacking:,} events only live"
    )
    for name, count in comparison.columns.items():
        yield f"  {name}: {count:,} differ"
        for example in comparison.examples.get(name, [])[:EXAMPLES]:
            key = printable(" ".join(example.key))
            yield f"    {key}: {printable(example.live) or '(empty)'} -> {printable(example.new) or '(empty)'}"


def _size(kind: JobKind, total: int) -> str:
    if kind is JobKind.BACKFILL:
        return decimal(total)
    if kind is JobKind.CLOUDWATCH:
        return str(timedelta(milliseconds=total))
    return "of unknown size" if kind is JobKind.KINESIS else f"{total:,} events"


def _target(begun: Begun) -> str:
    names = {Target.LIVE: "the live tables", Target.NEW: "new tables", Target.KAFKA: "Kafka"}
    return names[begun.run.job.into]
