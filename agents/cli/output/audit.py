"""Differences and counts of an audit in; lines for people, or one JSON document, out on standard output."""

from typing import Protocol

import msgspec
import orjson

from agents.cli.output.write import iso, say, write_json
from pipeline.audit.audit import Counts
from pipeline.audit.finding import Difference, Finding, Kind
from pipeline.runtime.printable import printable

SHOWN = 60
"""Characters of a value that are shown to people; JSON has them all."""


class Outcome:
    """What was found: `conversations` differ, of which `repaired` do no longer; differences by kind."""

    def __init__(self) -> None:
        self.kinds = dict.fromkeys(Kind, 0)
        self.conversations = 0
        self.repaired = 0

    def take(self, findings: list[Finding]) -> list[Difference]:
        """Count these, and return their differences."""
        differences = [difference for finding in findings for difference in finding.differences()]
        for difference in differences:
            self.kinds[difference.kind] += 1
        self.conversations += len(findings)
        return differences


class Writer(Protocol):
    """What is told differences as they are found, and at last the counts."""

    def write(self, difference: Difference) -> None:
        """Write one."""

    def finish(self, outcome: Outcome, counts: Counts) -> None:
        """Write the counts."""


class TextWriter:
    """A line a difference."""

    def write(self, difference: Difference) -> None:
        """Write one."""
        key = " ".join(map(printable, (difference.bot_id, difference.session_id, difference.originating_request_id)))
        changes = [f"{name} {_short(has)}, not {_short(due)}" for name, (has, due) in difference.columns.items()]
        say(": ".join((key, f"{difference.kind} {iso(difference.start)}", *filter(None, ["; ".join(changes)]))))

    def finish(self, outcome: Outcome, counts: Counts) -> None:
        """Write the counts."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in outcome.kinds.items() if count)
        say(
            f"{counts.conversations:,} conversations of {counts.events:,} events: "
            f"{outcome.conversations:,} differ{kinds and f' ({kinds})'}, {outcome.repaired:,} repaired"
        )
        if counts.unsettled:
            say(f"{counts.unsettled:,} were being written at every look: audit them again later", err=True)


class JsonWriter:
    """One document; a difference a line, as they are found."""

    def __init__(self) -> None:
        self._before = b'{"differences": [\n'
        self._any = False

    def write(self, difference: Difference) -> None:
        """Write one."""
        write_json(self._before + orjson.dumps(msgspec.to_builtins(difference)), end="")
        self._before, self._any = b",\n", True

    def finish(self, outcome: Outcome, counts: Counts) -> None:
        """Write the counts, which end the document."""
        document = msgspec.structs.asdict(counts) | {
            "different": outcome.conversations,
            "repaired": outcome.repaired,
            "kinds": {kind.value: count for kind, count in outcome.kinds.items()},
        }
        write_json((b"\n" if self._any else self._before) + b"],\n" + orjson.dumps(document)[1:])


def _short(value: object) -> str:
    text = printable(repr(value))
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
