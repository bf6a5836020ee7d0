"""However a request is written, a key of one bot reads nothing of another bot with the same name and users."""

from collections.abc import Iterator
from urllib.parse import quote

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import OF_ENGINE, examples
from tests.pipeline.http.seeded_server import PARAMETERS, THEIRS, V1_BOT, Planted
from tests.pipeline.http.serving import SESSIONS, WINDOW, Client, client
from tests.pipeline.query.rows import BOT, OTHER_BOT
from tests.pipeline.query.session_entries import ALIAS, ALIAS_NAME, BOT_NAME, USER

NAMED = [(OTHER_BOT, ALIAS), (OTHER_BOT, ALIAS_NAME), (V1_BOT, ALIAS_NAME), (BOT_NAME, ALIAS), (BOT_NAME, ALIAS_NAME)]
THEIR_LISTS = [SESSIONS.replace(BOT, OTHER_BOT), SESSIONS.replace(BOT, V1_BOT)]
METRICS = {
    "intentmetrics": "IntentName",
    "intentstagemetrics": "IntentStageName",
    "utterancemetrics": "UtteranceText",
}
"""Path of an operation -> a field of which their groups say whose they are."""
THEIR_METRICS = {
    f"/bots/{bot}/analytics/{path}": field for path, field in METRICS.items() for bot in (OTHER_BOT, V1_BOT)
}
AGGREGATED = "/bots/{botId}/aggregatedutterances/"
BOTS = "/bots/"
OF_BOT = ["/bots/{botId}/analytics/intentpaths", "/bots/{botId}/analytics/utterances", AGGREGATED]
THEIR_PATHS = [
    *THEIR_LISTS,
    *THEIR_METRICS,
    *(path.format(botId=bot) for path in OF_BOT for bot in (OTHER_BOT, V1_BOT)),
    *(
        f"/bot/{bot}/alias/{alias}/user/{USER}/session" + end
        for bot, alias in NAMED
        for end in ("/", "", "/transcript")
    ),
    f"/bots/{OTHER_BOT}/botAliases/{ALIAS}/botLocales/en_US/sessions/{USER}",
]
"""Theirs is the latest session of the name."""
TEMPLATES = [
    *(f"/bots/{{botId}}/analytics/{path}" for path in ("sessions", "sessionmetrics", *METRICS)),
    *OF_BOT,
    "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    "/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
    "/bot/{botName}/alias/{botAlias}/user/{userId}/session/transcript",
]
WORDS = [*PARAMETERS.values(), OTHER_BOT, V1_BOT, BOT_NAME.lower(), "*", "BOT*", "%", "_", "..", ".", "", "' OR 1=1",
         f"{BOT},{OTHER_BOT}", f"{BOT}/../{OTHER_BOT}", f"{OTHER_BOT}\0{BOT}", f"{BOT}\0{OTHER_BOT}"]  # fmt: skip
FIELDS = ["BotAliasId", "BotVersion", "LocaleId", "Channel", "SessionId", "OriginatingRequestId", "IntentPath"]
HOURS = {"relativeAggregationDuration": {"timeDimension": "Hours", "timeValue": 3}}
VALUES = [f"{THEIRS}-session-1", f"{THEIRS}-request-1", f"{THEIRS}-channel", f"{THEIRS}-version", f"/{THEIRS}Intent",
          "TSTALIASID", "en_US"]  # fmt: skip


@pytest.fixture(scope="module")
def ask(layer: Planted) -> Iterator[Client]:
    with client(layer.url) as opened:
        yield opened


def spelled(word: str) -> st.SearchStrategy[str]:
    """A word as paths may have it: encoded where it must be, everywhere, or twice."""
    everywhere = "".join(f"%{byte:02x}" for byte in word.encode())
    return st.sampled_from([quote(word, safe=""), everywhere, quote(everywhere, safe=""), quote(word, safe="/*,'=")])


words = st.sampled_from(WORDS).flatmap(spelled)
"""Any of them in any place."""


@st.composite
def paths(draw: st.DrawFn) -> str:
    """A path to what there is, of ours or theirs, or with some of its parameters changed for other words."""
    if draw(st.booleans()):
        return draw(st.sampled_from(THEIR_PATHS))
    known = {name: st.just(value) | words for name, value in PARAMETERS.items()}
    path = draw(st.sampled_from(TEMPLATES)).format(**{name: draw(each) for name, each in known.items()})
    more = st.sampled_from(["botId", "botName", "userId", "checkpointLabelFilter", "maxResults"])
    query = draw(st.lists(st.tuples(more, words), max_size=2))
    return path + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")


def body_of(path: str) -> dict[str, object]:
    """What a path needs in any case; groups are by what says whose they are."""
    if path == BOTS:
        return {}
    if path.endswith("/aggregatedutterances/"):
        return {"localeId": "en_US", "aggregationDuration": HOURS}
    if path.endswith("/intentpaths"):
        return WINDOW | {"intentPath": "/"}
    if "metrics" not in path:
        return dict(WINDOW)
    field = next((field for name, field in METRICS.items() if name in path), "LocaleId")
    return WINDOW | {"metrics": [{"name": "Count", "statistic": "Sum"}], "groupBy": [{"name": field}]}


def filters(path: str) -> st.SearchStrategy[dict[str, object]]:
    """A filter by what is theirs, of the names that the operation has."""
    names, values, most, operators = FIELDS, VALUES, 5, ["EQ"]
    if path == BOTS:
        names, values, most, operators = ["BotName"], [BOT_NAME, OTHER_BOT, V1_BOT, "BOT"], 1, ["EQ", "CO", "NE"]
    elif path.endswith("/aggregatedutterances/"):
        names, values, most, operators = ["Utterance"], [f"{THEIRS} said 1", THEIRS, "said"], 1, ["EQ", "CO"]
    return st.fixed_dictionaries({
        "name": st.sampled_from(names),
        "operator": st.sampled_from(operators),
        "values": st.lists(st.sampled_from(values), min_size=1, max_size=most),
    })  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn, path: str, page: str) -> bytes:
    """A question for a list or metrics, with filters by what is theirs and the token of their next page."""
    asked = body_of(path)
    asked["filters"] = draw(st.none() | st.lists(filters(path), min_size=1, max_size=3))
    asked["nextToken"] = draw(st.none() | st.just(page))
    asked["maxResults"] = draw(st.none() | st.sampled_from([1, 5, 1000]))
    if draw(st.integers(0, 4)) == 0:
        asked["botId"] = OTHER_BOT
    return orjson.dumps(asked)


def method(path: str) -> str:
    posted = ("/analytics/", "/aggregatedutterances")
    return "POST" if path == BOTS or any(part in path for part in posted) else "GET"


def test_there_is_something_to_be_learnt(layer: Planted, ask: Client) -> None:
    """A search for what can never come would find nothing either."""
    for path in THEIR_PATHS:
        found = {
            who: ask.ask(method(path), path, orjson.dumps(body_of(path)), layer.headers(who)) for who in layer.tokens
        }
        assert THEIRS in str(found["all"].body), path
        assert THEIRS not in str(found["narrow"].body), path
    turned = orjson.dumps(WINDOW | {"maxResults": 5, "nextToken": layer.page})
    assert THEIRS in str(ask.ask("POST", THEIR_PATHS[0], turned, layer.headers("all")).body)


@settings(max_examples=examples(80, OF_ENGINE), deadline=None)
@given(st.data())
def test_nothing_of_theirs_comes_to_a_key_of_ours(layer: Planted, ask: Client, data: st.DataObject) -> None:
    path = data.draw(paths())
    body = data.draw(bodies(path, layer.page))
    elsewhere = st.sampled_from(["x-original-url", "x-rewrite-url", "x-forwarded-prefix", "x-amzn-bot-id"])
    headers = {data.draw(elsewhere): data.draw(st.sampled_from(THEIR_PATHS))} | layer.headers("narrow")
    answer = ask.ask(method(path), path, body, headers)
    assert answer.status in {200, 400, 403, 404}
    layer.check(orjson.dumps(answer.body), "narrow")


@settings(max_examples=examples(20, OF_ENGINE), deadline=None)
@given(st.data())
def test_a_key_of_ours_knows_of_no_bot_of_theirs(layer: Planted, ask: Client, data: st.DataObject) -> None:
    """Their names are the same: it is the ids that would give them away."""
    body = data.draw(bodies(BOTS, layer.page))
    answer = ask.ask("POST", BOTS, body, layer.headers("narrow"))
    assert answer.status in {200, 400}
    assert {bot["botId"] for bot in answer.body.get("botSummaries", ())} <= {BOT}


def test_a_key_of_all_knows_of_all_bots(layer: Planted, ask: Client) -> None:
    for who, wanted in (("all", {BOT, OTHER_BOT, V1_BOT}), ("narrow", {BOT})):
        answer = ask.ask("POST", BOTS, b"{}", layer.headers(who))
        assert {bot["botId"] for bot in answer.body["botSummaries"]} == wanted
