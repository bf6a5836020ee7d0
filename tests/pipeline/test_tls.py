"""Certificates that cannot be used are named with their setting, and no question is put to a terminal."""

import subprocess
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.tls import client_context, server_context
from tests.certificates import Certificates


def test_a_client_trusts_the_given_authorities_or_the_machines(pem: Certificates) -> None:
    assert len(client_context(str(pem.ca), "SETTING").get_ca_certs()) == 1
    assert client_context("", "SETTING").check_hostname


def test_a_server_takes_key_and_certificate_from_one_file_or_two(pem: Certificates) -> None:
    folder = pem.server.parent
    assert server_context(str(pem.server), "", "SETTING").get_ciphers()
    assert server_context(str(folder / "server.crt"), str(folder / "server.key"), "SETTING").get_ciphers()


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        ("/nowhere", "", "No such file"),
        ("server.crt", "", "not as PEM says"),
        ("server.crt", "client.key", "mismatch"),
        ("server.crt", "encrypted.key", "encrypted"),
    ],
)
def test_a_pair_that_cannot_be_used_is_named(pem: Certificates, certificate: str, key: str, why: str) -> None:
    folder = pem.server.parent
    command = ["openssl", "ec", "-in", "server.key", "-aes256", "-passout", "pass:secret", "-out", "encrypted.key"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
    with pytest.raises(UsageError, match=f"^SETTING=.*{why}"):
        server_context(str(folder / certificate), str(folder / key) if key else "", "SETTING")


def test_authorities_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for file in (tmp_path / "ca.pem", tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UsageError, match=f"^SETTING={file} holds no certificate authorities: "):
            client_context(str(file), "SETTING")
