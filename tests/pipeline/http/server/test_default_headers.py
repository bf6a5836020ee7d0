from typing import Any

from pipeline.http.server.default_headers import offer, replace

HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


def test_a_route_replaces_headers_of_its_own_response_alone() -> None:
    one: dict[str, Any] = {}
    two: dict[str, Any] = {"extensions": {"other": 1}}
    of_one, of_two = offer(one, HEADERS), offer(two, HEADERS)
    replace(one, {b"cache-control"})
    assert (of_one, of_two) == (HEADERS[1:], HEADERS)
    assert two["extensions"]["other"] == 1


def test_without_the_server_there_is_nothing_to_replace() -> None:
    replace({}, {b"cache-control"})
