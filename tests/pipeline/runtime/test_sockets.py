"""Addresses are recognised, and one that cannot be listened on is named with the option that changes it."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pipeline.runtime.errors import UsageError
from pipeline.runtime.sockets import (
    authority,
    bind_socket,
    check_port_free,
    free_port,
    is_http_url,
    is_loopback,
    is_own_host,
)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_this_machine_is_known_by_its_names(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a.localhost",
        "localhost.example",
        "127.0.0.1.example",
        "10.0.0.1",
        "::",
        "::2",
        "2130706433",
        "127.1",
        "[",
        " ::1",
    ],
)
def test_what_may_be_another_is_not(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "a.localhost:1", "[::1]:8080", "Turnfold.Internal", "127.0.0.1:80"])
def test_a_request_is_meant_for_the_names_of_this_server(host: str) -> None:
    assert is_own_host([host], ["turnfold.internal"])


@pytest.mark.parametrize(
    "headers",
    [[], ["localhost", "localhost"], [""], ["evil.example"], ["me@localhost"], ["localhost:1:2"], ["10.0.0.1"]],
)
def test_any_other_request_is_meant_for_another_server(headers: list[str]) -> None:
    assert not is_own_host(headers, ["turnfold.internal"])


def test_a_wildcard_address_stands_for_every_address_but_for_no_name() -> None:
    assert is_own_host(["10.0.0.1:8123"], ["0.0.0.0"])  # noqa: S104 - nothing is bound
    assert is_own_host(["[fe80::1]"], ["::"])
    assert not is_own_host(["evil.example"], ["::"])


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "https://host", "http://[::1]:1", "http://me@host/path"])
def test_a_url_has_a_scheme_and_a_host(url: str) -> None:
    assert is_http_url(url)


@pytest.mark.parametrize(
    "url", ["", "host:8080", "ftp://host", "http://", "http://:80", "http://host:0", "http://host:99999", "http://[::1"]
)
def test_any_other_text_is_not_a_url(url: str) -> None:
    assert not is_http_url(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "turnfold.example"])
def test_host_and_port_make_a_url(host: str) -> None:
    url = f"http://{authority(host, 8080)}/"
    assert is_http_url(url)
    assert (urlsplit(url).hostname, urlsplit(url).port) == (host, 8080)


def test_an_ipv6_address_that_is_taken_is_named_as_in_urls() -> None:
    with bind_socket("::1", 0, "none", backlog=1) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"^cannot listen on \[::1\]:{port} "):
            bind_socket("::1", port, "none", backlog=1)


def test_a_name_is_bound_to_its_ipv4_address_and_listens_when_asked_to() -> None:
    with bind_socket("localhost", 0, "--port", backlog=1) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"
        with socket.create_connection(listening.getsockname(), timeout=5):
            pass


def test_a_port_that_is_taken_is_named_and_so_is_the_option_that_changes_it() -> None:
    with bind_socket("127.0.0.1", 0, "--port") as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"127.0.0.1:{port} .*in use.; choose another with --broker-port"):
            check_port_free("127.0.0.1", port, "--broker-port")


def test_the_wildcard_of_ipv6_includes_ipv4_unless_it_is_excluded() -> None:
    for ipv6_only in (False, True):
        with bind_socket("::", 0, "--port", ipv6_only=ipv6_only) as opened:
            assert opened.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == ipv6_only


def test_a_free_port_can_be_bound() -> None:
    check_port_free("127.0.0.1", free_port(), "--port")


def test_no_outgoing_connection_takes_a_free_port() -> None:
    first, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert all(free_port() < first for _ in range(20))


def test_a_host_elsewhere_has_no_free_port() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:"):
        free_port("192.0.2.1")


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on 192\.0\.2\.1:8123 \(Cannot assign"):
        check_port_free("192.0.2.1", 8123, "--port")


def test_a_host_that_does_not_exist_is_named() -> None:
    with pytest.raises(UsageError, match=r"cannot listen on no\.such\.host\.invalid:8123"):
        check_port_free("no.such.host.invalid", 8123, "--port")
