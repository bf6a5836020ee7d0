"""Text that looks like SQL is treated as any other text, in every field."""

from collections.abc import Iterator
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import OF_ENGINE, examples
from tests.pipeline.http.seeded_server import PARAMETERS, Planted, planted
from tests.pipeline.http.serving import SESSIONS, WINDOW, Answer, Client, client
from tests.pipeline.query.rows import FIELDS, NOW, conversation, fits

HOSTILE = [
    *("'", "''", '"', "`", "\\", "\\'", "\\\\", "%", "_", "%s", "%(bot_id)s", "{bot_id:String}", "{filter_0:String}"),
    *("' OR '1'='1", "') OR 1=1 --", "'; DROP TABLE turns; --", "' UNION ALL SELECT payload FROM turns --", "/*", "*/"),
    *(
        "--",
        "#",
        ";",
        ")",
        "]",
        "[",
        "],['",
        "NULL",
        "\\N",
        "\\x27",
        "&#39;",
        "%27",
        "sleep(3)",
        "$1",
        "?",
        "{}",
        "{0}",
    ),
    *("\0", "\b", "\t", "\n", "\r\n", "\x1a", "\x7f", "\u2019", "\uff07", "\u0301", "\U0001f600", "\ufeff", "Ünï"),
    *("FORMAT JSON", "SETTINGS readonly=0", "INTO OUTFILE '/tmp/x'", "file('/etc/passwd')", "url('http://127.0.0.1')"),
]
ROWS = [
    conversation(
        100 + number,
        session_id=f"s{text}",
        originating_request_id=f"r{text}",
        channel=text,
        bot_version=text,
        locale_id=text,
        bot_alias_id=text,
        mode=text,
        intent_path=f"/{text}",
        utterance_times=(NOW - 3_600_000,),
        utterance_request_ids=(text,),
        utterance_texts=(text,),
        utterance_missed=(False,),
        utterance_intents=(text,),
        utterance_slots=(text,),
    )
    for number, text in enumerate(HOSTILE)
]
TEXTS = st.sampled_from([text for row in ROWS for text in (row.session_id, row.originating_request_id, row.channel)])
MADE = st.lists(st.sampled_from(HOSTILE) | st.text(max_size=5), max_size=4).map("".join)
"""Texts that are there, and texts of the same pieces that may be."""
LIKE_SQL = st.builds("'{}{}".format, st.sampled_from(HOSTILE), st.sampled_from(HOSTILE))
"""Texts that are nobody's name or id, for all that they hold."""


@pytest.fixture(scope="module")
def layer(clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    with planted(clickhouse_url, tmp_path_factory.mktemp("fuzz"), *ROWS) as it:
        yield it


@pytest.fixture(scope="module")
def ask(layer: Planted) -> Iterator[Client]:
    with client(layer.url) as opened:
        yield opened


def post(layer: Planted, ask: Client, asked: object) -> Answer:
    return ask.ask("POST", SESSIONS, orjson.dumps(asked), layer.headers("narrow"))


@settings(max_examples=examples(60, OF_ENGINE), deadline=None)
@given(st.sampled_from(sorted(FIELDS)), st.lists(TEXTS | MADE, min_size=1, max_size=5))
def test_a_filter_finds_what_equals_its_values_to_the_letter_and_nothing_else(
    layer: Planted, ask: Client, name: str, values: list[str]
) -> None:
    wanted = {row.session_id for row in layer.rows if fits(row, name, "EQ", values)}
    filters = [{"name": name, "operator": "EQ", "values": values}]
    answer = post(layer, ask, WINDOW | {"filters": filters, "maxResults": 1000})
    assert answer.status == 200
    assert {session["sessionId"] for session in answer.body["sessions"]} == wanted


@settings(max_examples=examples(40, OF_ENGINE), deadline=None)
@given(st.sampled_from(["EQ", "CO"]), st.lists(TEXTS | MADE, min_size=1, max_size=5))
def test_an_utterance_is_found_by_its_text_to_the_letter(
    layer: Planted, ask: Client, operator: str, values: list[str]
) -> None:
    said = [text for row in layer.rows for text in row.utterance_texts]
    equals, contains = (lambda text: text in values), (lambda text: any(value in text for value in values))
    filters = [{"name": "UtteranceText", "operator": operator, "values": values}]
    body = orjson.dumps(WINDOW | {"filters": filters, "maxResults": 1000})
    answer = ask.ask("POST", SESSIONS.replace("sessions", "utterances"), body, layer.headers("narrow"))
    assert answer.status == 200
    found = sorted(utterance["utterance"] for utterance in answer.body["utterances"])
    assert found == sorted(filter(equals if operator == "EQ" else contains, said))


@settings(max_examples=examples(25, OF_ENGINE), deadline=None)
@given(MADE)
def test_a_path_is_a_path_to_the_letter(layer: Planted, ask: Client, text: str) -> None:
    path = f"/{text.strip('/')}" if text.strip("/") else "/'"
    taken = [row.intent_path for row in layer.rows]
    body = orjson.dumps(WINDOW | {"intentPath": path})
    answer = ask.ask("POST", SESSIONS.replace("sessions", "intentpaths"), body, layer.headers("narrow"))
    assert answer.status == 200
    of_path = {
        node["nodeType"]: node["intentCount"] for node in answer.body["nodeSummaries"] if node["intentPath"] == path
    }
    assert of_path.get("Exit", 0) == taken.count(path)
    assert of_path.get("Inner", 0) == sum(each.startswith(f"{path}/") for each in taken)


@settings(max_examples=examples(25, OF_ENGINE), deadline=None)
@given(st.lists(MADE, min_size=1, max_size=5))
def test_a_part_is_a_part_and_no_pattern(layer: Planted, ask: Client, values: list[str]) -> None:
    """All of them ended in Success."""
    filters = [{"name": "ConversationEndState", "operator": "CO", "values": values}]
    answer = post(layer, ask, WINDOW | {"filters": filters, "maxResults": 1000})
    assert answer.status == 200
    assert bool(answer.body["sessions"]) == any(value in "Success" for value in values)


@settings(max_examples=examples(25, OF_ENGINE), deadline=None)
@given(st.sampled_from(sorted(PARAMETERS)), LIKE_SQL)
def test_a_parameter_of_a_path_is_as_any_that_there_is_not(
    layer: Planted, ask: Client, name: str, hostile: str
) -> None:
    """Where only some letters may be, the harmless one has others, too."""
    answers = []
    for value in (hostile, "no such"):
        known = {each: quote(value if each == name else text, safe="") for each, text in PARAMETERS.items()}
        for path in (
            "/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
            "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
        ):
            answer = ask.ask("GET", path.format(**known), headers=layer.headers("narrow"))
            layer.check(orjson.dumps(answer.body), "narrow")
            answers.append((answer.status, str(answer.body)[:300]))
    assert answers[:2] == answers[2:]


@settings(max_examples=examples(25, OF_ENGINE), deadline=None)
@given(
    st.sampled_from(
        ["startDateTime", "endDateTime", "nextToken", "maxResults", "filters", "sortBy", "duration", "name"]
    ),
    LIKE_SQL,
)
def test_a_member_of_a_body_is_as_any_that_does_not_fit(layer: Planted, ask: Client, member: str, hostile: str) -> None:
    answers = [post(layer, ask, WINDOW | changed(member, value)) for value in (hostile, "no such")]
    first, second = [(answer.status, answer.headers["x-amzn-errortype"]) for answer in answers]
    assert first == second == (400, "ValidationException")
    if member != "name":  # the error repeats an unknown name
        assert answers[0].body == answers[1].body


def changed(member: str, value: str) -> dict[str, object]:
    if member == "duration":
        return {"filters": [{"name": "Duration", "operator": "EQ", "values": [value]}]}
    if member == "name":
        return {"filters": [{"name": value, "operator": "EQ", "values": ["x"]}]}
    return {member: value}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_label_is_as_any_that_has_not_the_form_of_one(layer: Planted, ask: Client, hostile: str) -> None:
    path = "/bot/{botName}/alias/{botAlias}/user/{userId}/session/".format(**PARAMETERS)
    answers = [
        ask.ask("GET", f"{path}?checkpointLabelFilter={quote(label, safe='')}", headers=layer.headers("narrow"))
        for label in (f"'{hostile}", "no such")
    ]
    assert answers[0].status == 400
    assert answers[0].body == answers[1].body
