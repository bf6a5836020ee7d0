"""The code on a page is the very request of the page: it runs, and asks the same."""

import ast
import shlex

import orjson
from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.output.code import as_boto3, as_cli
from pipeline.console.questions import Question
from pipeline.http.operations import list_sessions

TEXT = st.text(st.characters(codec="utf-8"))
VALUES = st.recursive(TEXT | st.integers(0, 10**9), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner))
BODIES = st.dictionaries(st.sampled_from(["startDateTime", "filters", "sortBy", "nextToken"]), VALUES)


@given(BODIES)
def test_python_has_the_same_arguments(body: dict[str, object]) -> None:
    program = as_boto3(Question(list_sessions.OPERATION, "BOTAAAAAA1", body), "http://x'\"")
    call = next(
        node
        for node in ast.walk(ast.parse(program))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "client.list_session_analytics_data"
    )
    arguments = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    assert arguments == {"botId": "BOTAAAAAA1", **body}


@given(BODIES)
def test_a_shell_reads_the_same_json(body: dict[str, object]) -> None:
    words = shlex.split(as_cli(Question(list_sessions.OPERATION, "BOTAAAAAA1", body), "http://x'\""))
    assert words[:3] == ["aws", "lexv2-models", "list-session-analytics-data"]
    assert orjson.loads(words[words.index("--cli-input-json") + 1]) == {"botId": "BOTAAAAAA1", **body}
    assert words[words.index("--endpoint-url") + 1] == "http://x'\""
