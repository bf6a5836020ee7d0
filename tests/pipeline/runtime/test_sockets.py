import pytest

from pipeline.runtime.sockets import is_loopback


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
