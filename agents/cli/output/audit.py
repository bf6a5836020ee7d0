"""Print the differences and counts of an audit: lines for people, or one JSON document."""

from typing import Protocol

import msgspec
import orjson

from agents.cli.output.write import iso, say, write_json
from pipeline.audit.audit import Counts
from pipeline.audit.finding import Difference, Finding, Kind
from pipeline.runtime.printable import printable

SHOWN = 60
"""Number of characters of a value that people are shown; JSON has them all."""


class AuditSummary:
    """The number of `conversations` that differ, how many of them are `repaired`, and differences by kind."""

    def __init__(self) -> None:
        self.kinds = dict.fromkeys(Kind, 0)
        self.conversations = 0
        self.repaired = 0

    def add(self, findings: list[Finding]) -> list[Difference]:
        """Count findings, and return their differences."""
        differences = [difference for finding in findings for difference in finding.differences()]
        for difference in differences:
            self.kinds[difference.kind] += 1
        self.conversations += len(findings)
        return differences


class DifferenceWriter(Protocol):
    """A writer of differences as they are found, and of the counts at the end."""

    def write(self, difference: Difference) -> None:
        """Write a difference."""

    def finish(self, summary: AuditSummary, counts: Counts) -> None:
        """Write the counts."""


class TextWriter:
    """Writes one line per difference."""

    def write(self, difference: Difference) -> None:
        """Write a difference."""
        key = " ".join(map(printable, (difference.bot_id, difference.session_id, difference.originating_request_id)))
        changes = [f"{name} {_short(has)}, not {_short(due)}" for name, (has, due) in difference.columns.items()]
        say(": ".join((key, f"{difference.kind} {iso(difference.start)}", *filter(None, ["; ".join(changes)]))))

    def finish(self, summary: AuditSummary, counts: Counts) -> None:
        """Write the counts."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in summary.kinds.items() if count)
        say(
            f"{counts.conversations:,} conversations of {counts.events:,} events: "
            f"{summary.conversations:,} differ{kinds and f' ({kinds})'}, {summary.repaired:,} repaired"
        )
        if counts.unsettled:
            say(f"{counts.unsettled:,} were being written at every check: audit them again later", err=True)


class JsonWriter:
    """Writes one document, with one line per difference as they are found."""

    def __init__(self) -> None:
        self._before = b'{"differences": [\n'
        self._any = False

    def write(self, difference: Difference) -> None:
        """Write a difference."""
        write_json(self._before + orjson.dumps(msgspec.to_builtins(difference)), end="")
        self._before, self._any = b",\n", True

    def finish(self, summary: AuditSummary, counts: Counts) -> None:
        """Write the counts, which end the document."""
        document = msgspec.structs.asdict(counts) | {
            "different": summary.conversations,
            "repaired": summary.repaired,
            "kinds": {kind.value: count for kind, count in summary.kinds.items()},
        }
        write_json((b"\n" if self._any else self._before) + b"],\n" + orjson.dumps(document)[1:])


def _short(value: object) -> str:
    text = printable(repr(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
