"""A login is valid for its time, its key and its server, and cannot be made up."""

from pathlib import Path

import pytest

from pipeline.auth.authenticator import Authenticator
from pipeline.auth.errors import Denial, DeniedError
from pipeline.auth.key_factory import create_bearer_key, with_revocation
from pipeline.auth.key_store import change_keys
from pipeline.auth.login import LOGIN_SECONDS, Logins
from tests.pipeline.auth.signing import NOW, bearing, kept

ISSUED = bearing()


class Server:
    """Logins over a key file, and a clock."""

    def __init__(self, folder: Path, secret: str = "") -> None:
        self.now = NOW
        self.keys = kept(folder / "keys", ISSUED)
        self.logins = Logins(Authenticator(self.keys, lambda: self.now), secret, lambda: self.now)


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path)


def denied(server: Server, login: str) -> Denial:
    with pytest.raises(DeniedError) as raised:
        server.logins.key_of(login)
    return raised.value.denial


def test_a_login_is_its_keys_until_it_ends(server: Server) -> None:
    key, login = server.logins.log_in(ISSUED.credential)
    assert key == server.logins.key_of(login) == ISSUED.key
    assert ISSUED.credential not in login
    server.now += LOGIN_SECONDS * 1000 - 1
    assert server.logins.key_of(login) == ISSUED.key
    server.now += 1
    assert denied(server, login) is Denial.EXPIRED


def test_a_wrong_token_is_no_login(server: Server) -> None:
    for token in ("", "x", bearing().credential, ISSUED.credential + "x"):
        with pytest.raises(DeniedError):
            server.logins.log_in(token)


def test_a_login_ends_with_its_key_or_its_token(server: Server) -> None:
    _, login = server.logins.log_in(ISSUED.credential)
    change_keys(server.keys, lambda _: [create_bearer_key(ISSUED.key).key])
    assert denied(server, login) is Denial.UNKNOWN
    change_keys(server.keys, lambda _: [with_revocation(ISSUED.key, NOW)])
    assert denied(server, login) is Denial.UNKNOWN
    change_keys(server.keys, lambda _: [])
    assert denied(server, login) is Denial.UNKNOWN


def test_no_other_text_is_a_login(server: Server) -> None:
    _, login = server.logins.log_in(ISSUED.credential)
    for at in range(0, len(login), 7):
        changed = login[:at] + ("A" if login[at] != "A" else "B") + login[at + 1 :]
        assert denied(server, changed) is Denial.UNKNOWN
    for text in ("", ".", login[:-1], login + "=", f"{login}.{login}", "\ud800", "x" * 100_000):
        assert denied(server, text) is Denial.UNKNOWN


def test_servers_share_logins_by_a_secret_alone(tmp_path: Path) -> None:
    one, two = Server(tmp_path, "secret"), Server(tmp_path, "secret")
    _, login = one.logins.log_in(ISSUED.credential)
    assert two.logins.key_of(login) == ISSUED.key
    assert denied(Server(tmp_path), login) is Denial.UNKNOWN
