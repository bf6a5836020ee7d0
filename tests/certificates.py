"""Create certificates for tests: an authority, a server's and a client's certificate, and an unrelated authority."""

import subprocess
from pathlib import Path
from typing import NamedTuple

KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
ADDRESSES = "subjectAltName=DNS:localhost,IP:127.0.0.1"


class Certificates(NamedTuple):
    """PEM files. Those of the server, for localhost and 127.0.0.1, and of the client hold key and certificate."""

    ca: Path
    server: Path
    client: Path
    strangers: Path


def make(folder: Path) -> Certificates:
    """Create certificates that are valid for two days."""
    _authority(folder, "ca")
    _authority(folder, "strangers")
    return Certificates(
        ca=folder / "ca.pem",
        server=_issued(folder, "server", ADDRESSES),
        client=_issued(folder, "client", "extendedKeyUsage=clientAuth"),
        strangers=folder / "strangers.pem",
    )


def _authority(folder: Path, name: str) -> None:
    uses = ("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    files = ("-keyout", f"{name}.key", "-out", f"{name}.pem")
    _openssl(folder, "req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}", *uses, *files)


def _issued(folder: Path, name: str, extension: str) -> Path:
    _openssl(folder, "req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
    (folder / f"{name}.ext").write_text(f"{extension}\nauthorityKeyIdentifier=keyid\n")
    signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
    _openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
    both = folder / f"{name}.pem"
    both.write_text((folder / f"{name}.key").read_text() + (folder / f"{name}.crt").read_text())
    return both


def _openssl(folder: Path, *arguments: str) -> None:
    command = ["openssl", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
