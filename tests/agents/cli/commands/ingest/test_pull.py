"""`turnfold pull` says in a sentence what is missing, and plans before it reads."""

import os
import uuid

import pytest

from pipeline.config.settings import Settings
from pipeline.kafka.topics import create_topics
from tests.agents.cli.command import turnfold
from tests.aws_server import Aws
from tests.broker_matrix import ON_EMBEDDED


@pytest.mark.usefixtures("aws_environment")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cloudwatch", "g", "--follow", "--to", "2026-11-01"), "--follow and --to exclude each other"),
        (("cloudwatch", "g", "--from", "2026-11-02", "--to", "2026-11-01"), "is not before --to"),
        (("kinesis", "s", "--from", "latest"), "needs --follow"),
        (("kinesis", "s", "--from", "soon"), "--from 'soon' is not a time"),
        (("cloudwatch",), "Missing argument 'LOG-GROUP'"),
    ],
)
def test_options_that_cannot_be_used_are_refused(arguments: tuple[str, ...], message: str) -> None:
    ended = turnfold(Settings(), "pull", *arguments)
    assert (ended.status, message in ended.err) == (2, True), ended.err


@ON_EMBEDDED
@pytest.mark.usefixtures("aws_environment")
def test_without_topics_it_names_the_command_that_creates_them(kafka_settings: Settings) -> None:
    ended = turnfold(kafka_settings, "pull", "cloudwatch", "g")
    assert (ended.status, "`turnfold migrate`" in ended.err) == (2, True), ended.err


@ON_EMBEDDED
def test_a_plan_names_the_windows_of_a_log_group(
    aws_environment: Aws, kafka_settings: Settings, with_tables: Settings
) -> None:
    group = f"group-{uuid.uuid4()}"
    aws_environment.client("logs").create_log_group(logGroupName=group)
    create_topics(kafka_settings)
    settings = Settings(
        **{
            **{name: getattr(kafka_settings, name) for name in ("kafka", "topic_raw", "topic_turns", "topic_dead")},
            **{name: getattr(with_tables, name) for name in ("clickhouse", "clickhouse_database")},
        }
    )
    window = ("--from", "2026-11-01T00:00", "--to", "2026-11-01T02:00")
    planned = turnfold(settings, "pull", "cloudwatch", group, *window, "--dry-run")
    assert planned.status == 0, planned.err
    assert "would begin a pull-cloudwatch into Kafka" in planned.out
    assert planned.out.count(": 1:00:00, 0% done") == 2
    assert os.environ["AWS_ENDPOINT_URL"] == aws_environment.url
