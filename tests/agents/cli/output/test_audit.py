"""Differences are printed as they are found, and counts at the end, in either form."""

import msgspec
import orjson
import pytest

from agents.cli.output.audit import SHOWN, AuditSummary, DifferenceWriter, JsonWriter, TextWriter
from pipeline.audit.audit import Counts
from pipeline.audit.finding import Finding
from schemas.conversation import Conversation
from tests.events import START, slow_fold, turn

RIGHT: Conversation = slow_fold([turn(session_id="evil\x1b[31m")])[0]
MISSING = Finding(RIGHT.key, RIGHT, ())
UNFOUNDED = Finding(RIGHT.key, None, (RIGHT,))
WRONG = Finding(RIGHT.key, RIGHT, (msgspec.structs.replace(RIGHT, intent_path="x" * 200),))


def written(writer: DifferenceWriter, *findings: Finding, counts: Counts | None = None) -> AuditSummary:
    """Write the findings as the command does."""
    summary = AuditSummary()
    for finding in findings:
        for difference in summary.add([finding]):
            writer.write(difference)
    writer.finish(summary, counts or Counts(5, 17))
    return summary


def test_a_summary_counts_conversations_and_their_differences_by_kind() -> None:
    summary = AuditSummary()
    assert [difference.kind for difference in summary.add([MISSING, UNFOUNDED])] == ["missing", "without-events"]
    summary.add([MISSING])
    assert summary.conversations == 3
    assert {kind: count for kind, count in summary.kinds.items() if count} == {"missing": 2, "without-events": 1}


def test_text_has_a_line_for_each_difference_and_one_for_the_counts(capsys: pytest.CaptureFixture[str]) -> None:
    written(TextWriter(), MISSING, UNFOUNDED)
    missing, unfounded, counts = capsys.readouterr().out.splitlines()
    assert missing.startswith("BOTAAAAAA1 evil\N{REPLACEMENT CHARACTER}[31m request-1: missing 2026-")
    assert unfounded.split(": ")[1].startswith("without-events 2026-")
    assert counts == "5 conversations of 17 events: 2 differ (1 missing, 1 without-events), 0 repaired"


def test_text_shows_the_start_of_long_values_only(capsys: pytest.CaptureFixture[str]) -> None:
    written(TextWriter(), WRONG)
    line = capsys.readouterr().out.splitlines()[0]
    assert f"intent_path '{'x' * (SHOWN - 1)}..., not " in line


def test_without_differences_there_are_only_counts(capsys: pytest.CaptureFixture[str]) -> None:
    written(TextWriter(), counts=Counts(1_000, 2_000, 3))
    output = capsys.readouterr()
    assert output.out == "1,000 conversations of 2,000 events: 0 differ, 0 repaired\n"
    assert output.err == "3 were being written at every check: audit them again later\n"


@pytest.mark.parametrize("findings", [(), (MISSING,), (MISSING, WRONG, UNFOUNDED)])
def test_json_is_one_document_with_all_of_it(findings: tuple[Finding, ...], capsys: pytest.CaptureFixture[str]) -> None:
    summary = written(JsonWriter(), *findings, counts=Counts(5, 17, 1))
    document = orjson.loads(capsys.readouterr().out)
    assert len(document["differences"]) == len(findings)
    assert (document["conversations"], document["events"], document["unsettled"]) == (5, 17, 1)
    assert (document["different"], document["repaired"]) == (summary.conversations, 0)
    assert document["kinds"] == {kind.value: count for kind, count in summary.kinds.items()}
    if findings:
        first = document["differences"][0]
        assert (first["kind"], first["sessionId"], first["start"]) == ("missing", "evil\x1b[31m", START)
