"""The CloudFormation template passes cfn-lint, policies grant what the commands call, and recipes can be parsed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml  # type: ignore[import-untyped] # it carries no types

from pipeline.config.settings import Settings
from tests.architecture.test_documents import paths
from tests.deploy.files import DEPLOY
from tests.paths import ROOT

AWS = DEPLOY / "aws"
TEXT = (AWS / "README.md").read_text()


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # it carries no types
    """Reads the short forms of CloudFormation's functions as their arguments."""


_Loader.add_multi_constructor("!", lambda loader, _, node: loader.construct_scalar(node))


def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load((AWS / "firehose.yaml").read_text(), _Loader)  # noqa: S506 - a SafeLoader
    return found


def lint(file: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("cfn-lint"), file]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_the_template_has_no_error_and_no_warning(tmp_path: Path) -> None:
    linted = lint(AWS / "firehose.yaml")
    assert (linted.returncode, linted.stdout) == (0, "")
    broken = tmp_path / "broken.yaml"
    broken.write_text((AWS / "firehose.yaml").read_text().replace("RoleArn: !GetAtt S", "RoleArn: !GetAtt X"))
    assert lint(broken).returncode != 0


def statements(policy: dict[str, Any]) -> list[dict[str, Any]]:
    return [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]


def test_roles_and_policies_grant_named_actions_on_named_resources() -> None:
    roles = [one["Properties"] for one in template()["Resources"].values() if one["Type"] == "AWS::IAM::Role"]
    granted = [one for role in roles for policy in role["Policies"] for one in statements(policy["PolicyDocument"])]
    granted += [one for file in AWS.glob("*-policy.json") for one in statements(orjson.loads(file.read_bytes()))]
    assert len(granted) == 9
    for statement in granted:
        actions, resource = statement["Action"], statement["Resource"]
        assert "*" not in "".join([actions] if isinstance(actions, str) else actions)
        assert resource != "*"


@pytest.mark.parametrize(
    ("policy", "module", "paginated"),
    [
        ("pull-cloudwatch", "cloudwatch", {"describe_log_groups"}),
        ("pull-kinesis", "kinesis", {"list_shards"}),
        ("backfill", "s3", {"list_objects_v2"}),
    ],
)
def test_a_policy_has_exactly_the_rights_for_what_is_called(policy: str, module: str, paginated: set[str]) -> None:
    source = (ROOT / "pipeline" / "aws" / f"{module}.py").read_text()
    called = set(re.findall(r"_client\.(\w+)\(", source)) - {"get_paginator"}
    called |= set(re.findall(r'get_paginator\("(\w+)"\)', source))
    assert paginated <= called
    names = {"".join(word.title() for word in name.split("_")) for name in called}
    names = {"ListBucket" if name == "ListObjectsV2" else name for name in names}
    granted: set[str] = set()
    for statement in statements(orjson.loads((AWS / f"{policy}-policy.json").read_bytes())):
        actions = statement["Action"]
        granted |= {action.partition(":")[2] for action in ([actions] if isinstance(actions, str) else actions)}
    assert granted == names


def test_the_recipes_write_to_the_raw_topic_and_wait_for_all_replicas() -> None:
    topic = Settings().topic_raw
    sink = tomllib.loads((AWS / "recipes" / "vector.toml").read_text())["sinks"]["turnfold"]
    assert (sink["topic"], sink["librdkafka_options"]["acks"], sink["encoding"]) == (topic, "all", {"codec": "text"})
    collector = yaml.safe_load((AWS / "recipes" / "otel-collector.yaml").read_text())
    kafka = collector["exporters"]["kafka"]
    assert (kafka["logs"], kafka["producer"]["required_acks"]) == ({"topic": topic, "encoding": "raw"}, -1)
    assert set(collector["service"]["pipelines"]["logs"]["receivers"]) == set(collector["receivers"])
    connect = orjson.loads((AWS / "recipes" / "kafka-connect.json").read_bytes())["config"]
    assert (connect["topics"], connect["producer.override.acks"]) == (topic, "all")
    assert connect["value.converter"].endswith("ByteArrayConverter")


def test_the_page_names_files_that_exist() -> None:
    assert sorted(str(path) for path in paths(AWS / "README.md") if not path.exists()) == []
    assert all(
        f"deploy/aws/{file.relative_to(AWS)}" in TEXT
        for file in AWS.rglob("*")
        if file.suffix in {".json", ".toml", ".yaml"}
    )
