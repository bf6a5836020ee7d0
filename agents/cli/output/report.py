"""A run's plan, or what it came to, in; lines for people or one JSON document out on standard output."""

from collections.abc import Iterator

import msgspec
from rich.filesize import decimal

from agents.cli.output.write import say, write_json
from pipeline.reprocess.job import Begun
from pipeline.runtime.printable import printable
from pipeline.store.compare import Comparison
from schemas.reprocessing import JobCounts, JobKind, Target

EXAMPLES = 3
"""Columns of which examples are shown; the JSON has all."""


class Report(msgspec.Struct):
    """What a run came to. `mended` conversations of new tables were put right before these were compared."""

    run: str
    resumed: bool = False
    counts: JobCounts = msgspec.field(default_factory=JobCounts)
    seconds: float = 0.0
    filling: float = 0.0
    """Seconds of `seconds` until all was read and written; the rest compares and swaps."""
    mended: int = 0
    comparison: Comparison | None = None
    swapped: bool = False


def print_plan(begun: Begun, *, as_json: bool) -> None:
    """What would be done, and how far it is."""
    if as_json:
        plan = {"run": begun.name, "resumed": begun.resumed, "plan": begun.run, "units": [*begun.units.values()]}
        write_json(msgspec.json.encode(plan))
        return
    job = begun.run.job
    say(f"{begun.name}: would {'go on with' if begun.resumed else 'begin'} a {job.kind} into {_target(begun)}")
    for unit in begun.units.values():
        what = decimal(unit.source.total) if job.kind is JobKind.BACKFILL else f"{unit.source.total:,} events"
        left = "done" if unit.finished else f"{unit.counts.done / max(1, unit.source.total):.0%} done"
        say(f"  {printable(unit.source.name)}: {what}, {left}")


def print_report(report: Report, *, as_json: bool) -> None:
    """What was done."""
    if as_json:
        write_json(msgspec.json.encode(report))
        return
    counts = report.counts
    say(
        f"{report.run}: read {counts.read:,} ({decimal(counts.bytes)}) in {report.seconds:,.1f} s; "
        f"{counts.valid:,} valid, {counts.dead:,} dead, {counts.failed:,} failed; "
        f"conversations: {counts.touched:,} touched, {counts.changed:,} changed"
    )
    if report.comparison:
        for line in _differences(report.comparison):
            say(line)
    if report.swapped:
        say("swapped; the old tables stay until `turnfold runs drop old`")
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
            where = printable(" ".join(example.key))
            yield f"    {where}: {printable(example.live) or '(empty)'} -> {printable(example.new) or '(empty)'}"


def _target(begun: Begun) -> str:
    words = {Target.LIVE: "the live tables", Target.NEW: "new tables", Target.KAFKA: "Kafka"}
    return words[begun.run.job.into]
