"""A token is shown to nobody but the query layer, and in no text."""

import pytest

from agents.cli.http_client import authorities, shown
from pipeline.config.settings import Settings
from pipeline.runtime.errors import UsageError
from tests.certificates import Certificates

TOKEN = "tf_KEY1_secretsecret"


@pytest.mark.parametrize(
    "api",
    [
        "https://turnfold.example",
        "https://10.0.0.1:8443",
        "http://127.0.0.1:8080",
        "http://localhost",
        "http://[::1]:1",
    ],
)
def test_a_token_is_shown_over_tls_and_on_this_machine(api: str) -> None:
    assert shown(Settings(api=api, api_token=TOKEN)) == {"authorization": f"Bearer {TOKEN}"}
    assert shown(Settings(api=api)) == {}


@pytest.mark.parametrize(
    "api",
    [
        "http://turnfold.example",
        "http://10.0.0.1:8080",
        "http://127.0.0.1.example",
        "http://evil.localhost",
        "http://localhost@turnfold.example",
        "HTTP://turnfold.example",
    ],
)
def test_it_is_not_shown_to_whoever_listens_on_the_way(api: str) -> None:
    assert shown(Settings(api=api)) == {}
    with pytest.raises(UsageError, match="TURNFOLD_API should begin with https://") as refused:
        shown(Settings(api=api, api_token=TOKEN))
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("token", ["two words", "b\N{LATIN SMALL LETTER A WITH DIAERESIS}r", "line\r\nx-evil: 1", "\0"])
def test_what_can_be_no_token_is_told_so_and_not_repeated(token: str) -> None:
    with pytest.raises(UsageError, match="TURNFOLD_API_TOKEN") as refused:
        shown(Settings(api_token=token))
    assert token not in str(refused.value)


def test_authorities_are_trusted_beside_those_of_the_machine(pem: Certificates) -> None:
    assert authorities(Settings()) is None
    machine = authorities(Settings(api="https://host"))
    ours = authorities(Settings(api="https://host", api_ca=str(pem.ca)))
    assert machine
    assert ours
    assert len(ours.get_ca_certs()) == len(machine.get_ca_certs()) + 1
    with pytest.raises(UsageError, match="TURNFOLD_API_CA=/nowhere holds no certificate authorities"):
        authorities(Settings(api="https://host", api_ca="/nowhere"))
