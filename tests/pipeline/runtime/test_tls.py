"""Certificates that cannot be used are named with their setting, and no question is put to a terminal."""

import ssl
import subprocess
import warnings
from pathlib import Path

import pytest

from pipeline.runtime.errors import UsageError
from pipeline.runtime.tls import client_context, server_context
from tests.certificates import Certificates

OLD = "DEFAULT:@SECLEVEL=0"
"""With ciphers that old versions need, so that nothing but the version is in their way."""


def test_a_client_trusts_the_given_authorities_or_the_machines(pem: Certificates) -> None:
    assert len(client_context(str(pem.ca), "SETTING").get_ca_certs()) == 1
    assert client_context("", "SETTING").check_hostname


def test_a_server_takes_key_and_certificate_from_one_file_or_two(pem: Certificates) -> None:
    folder = pem.server.parent
    assert server_context(str(pem.server), "", "SETTING").get_ciphers()
    assert server_context(str(folder / "server.crt"), str(folder / "server.key"), "SETTING").get_ciphers()


def greeting(version: ssl.TLSVersion) -> bytes:
    """What a client that knows only this version begins with."""
    client = ssl.create_default_context()
    client.set_ciphers(OLD)
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        client.minimum_version = client.maximum_version = version
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        client.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


def test_a_server_speaks_no_old_version(pem: Certificates) -> None:
    context = server_context(str(pem.server), "", "SETTING")
    context.set_ciphers(OLD)
    for version, error in (
        (ssl.TLSVersion.TLSv1_1, "UNSUPPORTED_PROTOCOL"),
        (ssl.TLSVersion.TLSv1_2, "The operation did not complete"),
        (ssl.TLSVersion.TLSv1_3, "The operation did not complete"),
    ):
        heard = ssl.MemoryBIO()
        heard.write(greeting(version))
        with pytest.raises(ssl.SSLError, match=error):
            context.wrap_bio(heard, ssl.MemoryBIO(), server_side=True).do_handshake()


@pytest.mark.parametrize(
    ("certificate", "key", "why"),
    [
        ("/nowhere", "", "No such file"),
        ("server.crt", "", "not valid PEM"),
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
