import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from itsdangerous import Signer

from pipeline.query.analytics import page_token as tokens_module
from pipeline.query.analytics.page_token import PageCursor, PageTokens, fingerprint
from pipeline.query.errors import InvalidQueryError
from pipeline.query.list_sessions.sql import Cursor

QUERY = fingerprint("a query")
POSITION = Cursor(1_780_000_000_000, 42, 1_779_000_000_000, "session-1", "request-1")
CHARACTERS = string.ascii_letters + string.digits + "-_=. \n+/é"
int64 = st.integers(-(2**63), 2**63 - 1)
positions = st.builds(Cursor, int64, int64, int64, st.text(), st.text())


@settings(deadline=None)
@given(positions, st.binary(min_size=16, max_size=16), st.text())
def test_a_token_gives_back_what_it_was_issued_for(position: Cursor, query: bytes, secret: str) -> None:
    tokens = PageTokens(secret)
    assert tokens.read(tokens.issue(query, position), query, Cursor) == position


def test_a_token_is_text_that_travels_anywhere() -> None:
    issued = PageTokens("secret").issue(QUERY, POSITION)
    assert set(issued) <= set(string.ascii_letters + string.digits + "-_.")


def test_no_character_of_a_token_can_be_changed() -> None:
    """Not even to another spelling of the same base64: the last character of a signature has spare bits."""
    tokens = PageTokens("secret")
    issued = tokens.issue(QUERY, POSITION)
    for place in range(len(issued)):
        for other in CHARACTERS:
            if other != issued[place]:
                refuse(tokens, issued[:place] + other + issued[place + 1 :], "did not issue")


def test_no_character_can_be_added_or_removed() -> None:
    tokens = PageTokens("secret")
    issued = tokens.issue(QUERY, POSITION)
    for place in range(len(issued) + 1):
        refuse(tokens, issued[:place], "did not issue") if place < len(issued) else None
        for other in CHARACTERS:
            refuse(tokens, issued[:place] + other + issued[place:], "did not issue")


@settings(deadline=None)
@given(st.text())
def test_garbage_is_no_token(garbage: str) -> None:
    refuse(PageTokens("secret"), garbage, "did not issue")


def test_a_token_of_another_query_is_refused() -> None:
    tokens = PageTokens("secret")
    refuse(tokens, tokens.issue(fingerprint("another"), POSITION), "belongs to another query")


def test_a_token_of_another_operation_is_refused_although_its_cursor_is_of_another_type() -> None:
    class Position(PageCursor, frozen=True, array_like=True):
        name: str

    tokens = PageTokens("secret")
    issued = tokens.issue(fingerprint("another operation"), Position(1, "A"))
    refuse(tokens, issued, "belongs to another query")
    assert tokens.read(issued, fingerprint("another operation"), Position) == Position(1, "A")


def test_a_token_under_another_secret_is_refused() -> None:
    refuse(PageTokens("secret"), PageTokens("terces").issue(QUERY, POSITION), "did not issue")


def test_tokens_without_a_secret_are_of_one_process() -> None:
    refuse(PageTokens(""), PageTokens("").issue(QUERY, POSITION), "did not issue")


def test_tokens_under_the_same_secret_serve_several_processes() -> None:
    assert PageTokens("secret").read(PageTokens("secret").issue(QUERY, POSITION), QUERY, Cursor) == POSITION


def test_a_token_of_another_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = PageTokens("secret")
    with monkeypatch.context() as patched:
        patched.setattr(tokens_module, "VERSION", b"0")
        old = tokens.issue(QUERY, POSITION)
    refuse(tokens, old, "another version")


def test_a_signature_of_something_else_under_the_same_secret_is_no_token() -> None:
    refuse(PageTokens("secret"), Signer("secret").sign("1abc").decode(), "did not issue")


@settings(deadline=None)
@given(st.lists(st.text()), st.lists(st.text()))
def test_queries_differ_in_their_fingerprints(one: list[str], two: list[str]) -> None:
    assert (fingerprint(*one) == fingerprint(*two)) == (one == two)


def refuse(tokens: PageTokens, token: str, text: str) -> None:
    with pytest.raises(InvalidQueryError, match="^nextToken: .*" + text + ".*from the first page$"):
        tokens.read(token, QUERY, Cursor)
