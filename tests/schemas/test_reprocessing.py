"""The saved state of runs is read back from its JSON, also from JSON that an earlier version wrote."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Phase, Run, Source, Target, WorkUnit

COUNTS = st.builds(JobCounts, **{name: st.integers(0, 2**40) for name in JobCounts.__struct_fields__})
JOB = Job(kind=JobKind.REPLAY, into=Target.NEW, rules=JobRules("1.0", ("Fallback",)), topic="turns", since=5)


@given(COUNTS, COUNTS)
def test_counts_are_added_field_by_field(first: JobCounts, second: JobCounts) -> None:
    total = msgspec.structs.replace(first)
    total.add(second)
    for name in JobCounts.__struct_fields__:
        assert getattr(total, name) == getattr(first, name) + getattr(second, name)


@given(st.sampled_from(Phase), st.dictionaries(st.text(), st.text()))
def test_a_run_is_read_back_from_its_json(phase: Phase, tables: dict[str, str]) -> None:
    run = Run(job=JOB, begun=7, phase=phase, new=tables, tables=tables)
    assert msgspec.json.decode(msgspec.json.encode(run), type=Run) == run


@given(COUNTS, st.lists(st.integers(-(2**40), 2**40) | st.text(), max_size=3))
def test_a_unit_is_read_back_from_its_json(counts: JobCounts, position: list[int | str]) -> None:
    source = Source("turns/0", "0", tuple(position), (), 10)
    unit = WorkUnit(source=source, position=tuple(position), counts=counts, owner="host/1/word", finished=True)
    assert msgspec.json.decode(msgspec.json.encode(unit), type=WorkUnit) == unit


def test_rules_without_redaction_are_written_as_before_redaction_existed() -> None:
    assert msgspec.json.encode(JOB.rules) == b'{"version":"1.0","fallback_intents":["Fallback"]}'
    assert msgspec.json.decode(b'{"version":"1.0","fallback_intents":[]}', type=JobRules) == JobRules("1.0", ())
