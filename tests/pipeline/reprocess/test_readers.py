"""Each kind of job has a reader; only pulls that follow have sources without an end."""

import asyncio
from typing import Any

import pytest

from pipeline.config.settings import Settings
from pipeline.reprocess.readers import open_reader
from pipeline.runtime.errors import UsageError
from schemas.reprocessing import Job, JobCounts, JobKind, JobRules, Pull, Source, Target, WorkUnit

NO_CLICKHOUSE: Any = None
UNIT = WorkUnit(source=Source("shard", "shard", ("TRIM_HORIZON", ""), (0,), 0), position=("AT", 0), counts=JobCounts())


def job(kind: JobKind, *, follow: bool = False) -> Job:
    pull = Pull(of="name", endpoint="", follow=follow)
    return Job(kind=kind, into=Target.KAFKA, rules=JobRules("", ()), pull=pull)


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize("kind", JobKind)
def test_sources_of_a_job_that_does_not_follow_have_an_end(kind: JobKind) -> None:
    reader = open_reader(Settings(), NO_CLICKHOUSE, job(kind), lambda: 1)
    assert reader.is_finished(UNIT)
    assert [*asyncio.run(reader.successors(UNIT))] == []


@pytest.mark.usefixtures("aws_environment")
def test_a_shard_that_is_followed_has_none() -> None:
    reader = open_reader(Settings(), NO_CLICKHOUSE, job(JobKind.KINESIS, follow=True), lambda: 1)
    assert not reader.is_finished(UNIT)


def test_without_a_region_there_is_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(UsageError, match="no AWS region"):
        open_reader(Settings(), NO_CLICKHOUSE, job(JobKind.CLOUDWATCH), lambda: 1)
