"""Any bytes get a response that a client can read and that reveals no internals."""

import socket
from contextlib import suppress

import orjson
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from tests.pipeline.http.raw import raw
from tests.pipeline.http.seeded_server import PARAMETERS, Planted
from tests.pipeline.http.serving import SESSIONS, Answer

PATHS = [
    SESSIONS,
    "/bots/{botId}/botAliases/{botAliasId}/botLocales/{localeId}/sessions/{sessionId}",
    "/bot/{botName}/alias/{botAlias}/user/{userId}/session/",
    "/bot/{botName}/alias/{botAlias}/user/{userId}/session/transcript?maxResults=1",
    "/bot/{botName}/alias/{botAlias}/user/{userId}/session?checkpointLabelFilter=a",
    "/readyz",
    "/",
]
METHODS = [b"GET", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"PROPFIND"]
NAMES = [b"Authorization", b"Content-Type", b"X-Amz-Date", b"X-Amz-Content-SHA256", b"Accept", b"Host", b"Expect",
         b"Content-Encoding", b"Origin", b"Cookie", b"X-\xff", b"amz-sdk-invocation-id"]  # fmt: skip
STATUSES = {200, 400, 403, 404, 405, 431}
KNOWN = b'{"startDateTime": 0, "endDateTime": 4000000000, "maxResults": 3, "filters": null, "sortBy": null}'


def disturbed(text: bytes) -> st.SearchStrategy[bytes]:
    """The text, or with some bytes in it for others."""
    at = st.integers(0, len(text))
    return st.just(text) | st.builds(
        lambda first, second, put: text[: min(first, second)] + put + text[max(first, second) :],
        *(at, at, st.binary(max_size=6) | st.sampled_from([b"%00", b"%ff", b"%", b"%2f", b"\xc3\x28", b"\0", b"//"])),
    )


targets = st.sampled_from(PATHS).map(lambda path: path.format(**PARAMETERS).encode()).flatmap(disturbed)
values = st.binary(max_size=40) | st.sampled_from([b"Bearer tf_", b"AWS4-HMAC-SHA256 Credential=", b"gzip", b"\xff"])
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), max_size=3)
bodies = disturbed(KNOWN) | st.binary(max_size=200) | st.sampled_from([b"[" * 60_000, b'{"a":' * 9_000, b"1e999999"])


def request(method: bytes, target: bytes, more: list[tuple[bytes, bytes]], body: bytes, token: str) -> bytes:
    """What is sent; the connection is closed after it, however it is understood."""
    ours = [
        (b"Host", b"127.0.0.1"),
        (b"Connection", b"close"),
        (b"Content-Length", str(len(body)).encode()),
        *([(b"Authorization", f"Bearer {token}".encode())] if token else []),
    ]
    head = b"".join(b"%s: %s\r\n" % line for line in [*ours, *more])
    return b"%s %s HTTP/1.1\r\n%s\r\n%s" % (method, target, head, body)


def check(layer: Planted, answer: Answer, who: str) -> None:
    assert answer.status in STATUSES
    assert answer.headers["x-amzn-requestid"]
    if answer.status >= 400:
        assert list(answer.body) == ["message"]
        assert isinstance(answer.body["message"], str)
        assert answer.headers["x-amzn-errortype"].endswith("Exception")
    layer.check(orjson.dumps(answer.body) + str(answer.headers).encode(), who)


@settings(max_examples=examples(400), deadline=None)
@given(st.sampled_from(METHODS), targets, headers, bodies, st.sampled_from(["narrow", "nobody"]))
@example(b"POST", SESSIONS.encode(), [], b'{"startDateTime":' + b"9" * 5000 + b"}", "narrow")
@example(b"POST", SESSIONS.encode(), [], b'{"startDateTime": 1e-9999999, "endDateTime": 1}', "narrow")
@example(b"POST", SESSIONS.encode(), [], b'{"startDateTime": "\xed\xa0\x80", "endDateTime": 1}', "narrow")
@example(b"GET", b"/bot/%ED%A0%80/alias/a/user/ab/session/", [], b"", "narrow")
@example(b"GET", b"/bot/a%00b/alias/a/user/ab/session/", [], b"", "narrow")
@example(b"GET", b"/openapi.json", [(b"Authorization", b"Bearer \xff")], b"", "nobody")
def test_any_bytes_anywhere_are_answered_in_the_one_form(  # noqa: PLR0917 - hypothesis gives each
    layer: Planted, method: bytes, target: bytes, more: list[tuple[bytes, bytes]], body: bytes, who: str
) -> None:
    with raw(layer.url) as connection:
        connection.send(request(method, target, more, body, layer.tokens.get(who, "")))
        check(layer, connection.answer(), who)
        with suppress(OSError):  # it has closed already
            connection.socket.shutdown(socket.SHUT_WR)  # else it would wait for us to read why
        rest = connection.rest()
    layer.check(rest, who)
    assert b"HTTP/1.1 5" not in rest, "where the bytes make two requests"


@settings(max_examples=examples(60), deadline=None)
@given(st.binary(min_size=1, max_size=300))
def test_malformed_requests_are_refused(layer: Planted, sent: bytes) -> None:
    with raw(layer.url) as connection:
        connection.send(b"\x01" + sent)
        answer = connection.answer()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        check(layer, answer, "nobody")


@settings(max_examples=examples(60), deadline=None)
@given(st.sampled_from(["Bearer {}", "bearer {}", "Bearer  {}", "{}", "Basic {}", "AWS4-HMAC-SHA256 {}"]), st.data())
def test_a_token_that_is_not_quite_one_opens_nothing(layer: Planted, form: str, data: st.DataObject) -> None:
    token = data.draw(disturbed(layer.tokens["narrow"].encode()))
    shown = form.encode().replace(b"{}", token)
    sent = request(b"POST", SESSIONS.encode(), [(b"Authorization", shown)], KNOWN, "")
    with raw(layer.url) as connection:
        connection.send(sent)
        answer = connection.answer()
    scheme, _, rest = shown.strip(b" \t").partition(b" ")
    right = scheme.lower() == b"bearer" and rest == layer.tokens["narrow"].encode()
    assert (answer.status == 200) == right
    check(layer, answer, "narrow")
