"""Write a question as the program that asks it: with boto3, or with the AWS CLI."""

import re
import shlex
from typing import Any

import orjson

from pipeline.console.questions import Question

WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")
INDENT = " " * 4
MAX_LINE = 100


def as_boto3(question: Question, endpoint: str) -> str:
    """Write a Python program that asks the question."""
    method = WORDS.sub("_", question.operation.name).lower()
    arguments = {"botId": question.bot_id, **question.body}
    lines = "".join(f"{INDENT}{name}={_python(value)},\n" for name, value in arguments.items())
    return (
        "import boto3\n\n"
        f'client = boto3.client(\n{INDENT}"lexv2-models",\n{INDENT}endpoint_url={_python(endpoint)},\n'
        f'{INDENT}region_name="us-east-1",\n)\n'
        f"answer = client.{method}(\n{lines})\n"
    )


def as_cli(question: Question, endpoint: str) -> str:
    """Write a command of the AWS CLI that asks the question."""
    command = WORDS.sub("-", question.operation.name).lower()
    body = orjson.dumps({"botId": question.bot_id, **question.body}).decode()
    return (
        f"aws lexv2-models {command} --region us-east-1 \\\n"
        f"  --endpoint-url {shlex.quote(endpoint)} \\\n"
        f"  --cli-input-json {shlex.quote(body)}\n"
    )


def _python(value: Any, depth: int = 1) -> str:
    """Write a value of JSON in Python, on several lines where one would be too long."""
    if isinstance(value, str):
        return orjson.dumps(value).decode()
    if not isinstance(value, list | dict):
        return repr(value)
    mark, end = ("[", "]") if isinstance(value, list) else ("{", "}")
    items = (
        [_python(each, depth + 1) for each in value]
        if isinstance(value, list)
        else [f"{_python(name)}: {_python(each, depth + 1)}" for name, each in value.items()]
    )
    line = f"{mark}{', '.join(items)}{end}"
    if len(line) <= MAX_LINE:
        return line
    return f"{mark}\n" + "".join(f"{INDENT * (depth + 1)}{item},\n" for item in items) + f"{INDENT * depth}{end}"
