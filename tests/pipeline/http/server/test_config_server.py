"""Over TLS as without it, for AWS's SDKs too."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
import pytest
from botocore.config import Config
from botocore.exceptions import SSLError

from pipeline.config.settings import Settings
from pipeline.http.app import create_app
from tests.certificates import Certificates
from tests.pipeline.http.raw import GET, Site, raw
from tests.pipeline.http.serving import serving

WINDOW = {"startDateTime": datetime(2025, 1, 1, tzinfo=UTC), "endDateTime": datetime(2027, 1, 1, tzinfo=UTC)}


@pytest.fixture
def url(pem: Certificates) -> Iterator[str]:
    """With key and certificate in files of their own."""
    folder = pem.server.parent
    certificate, key = str(folder / "server.crt"), str(folder / "server.key")
    with serving(Site().app, Settings(api_certificate=certificate, api_certificate_key=key)) as address:
        yield address


def models(url: str, authorities: object) -> Any:
    keys = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    config = Config(retries={"max_attempts": 0})
    return boto3.client(
        "lexv2-models", endpoint_url=url, region_name="us-east-1", verify=str(authorities), config=config, **keys
    )


def test_sdks_are_answered_where_they_trust_the_certificate(with_tables: Settings, pem: Certificates) -> None:
    settings = msgspec.structs.replace(with_tables, api_certificate=str(pem.server))
    with serving(create_app(settings), settings) as url:
        asked = {"botId": "BOTAAAAAA1", **WINDOW}
        assert models(url, pem.ca).list_session_analytics_data(**asked)["sessions"] == []
        with pytest.raises(SSLError):
            models(url, pem.strangers).list_session_analytics_data(**asked)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_both_versions_of_tls_that_are_safe_are_spoken(url: str, pem: Certificates, version: ssl.TLSVersion) -> None:
    tls = ssl.create_default_context(cafile=str(pem.ca))
    tls.minimum_version = tls.maximum_version = version
    with raw(url, tls=tls) as connection:
        for _ in range(3):
            connection.send(GET)
            assert connection.answer().status == 200


def test_who_speaks_without_tls_gets_nothing(url: str, pem: Certificates) -> None:
    with raw(url) as connection:
        connection.send(GET)
        assert b"HTTP" not in connection.rest()
    with raw(url, tls=ssl.create_default_context(cafile=str(pem.ca))) as connection:
        connection.send(b"GET /" + b"x" * 40_000)
        assert connection.answer().status == 431
