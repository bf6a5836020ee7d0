"""An AWS on this machine: moto's server, whose shards of Kinesis split, merge and end as those of AWS do.

moto keeps a closed shard's records out of it, numbers each shard's records from 1, tells the number of the first
record where a shard begins, and lets no shard end. It does not know that log groups may be named by their ARNs.
"""

import hashlib
import importlib
import itertools
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from pipeline.runtime.sockets import free_port
from tests.paths import ROOT

WITHIN = 60.0
REGION = "us-east-1"


class Aws:
    """A running server."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    @property
    def environ(self) -> dict[str, str]:
        """The variables by which the AWS SDK finds it."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    def client(self, service: str) -> Any:
        """Return a client of a service."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(s3={"addressing_style": "path"}),
        )


@contextmanager
def aws_server(folder: Path) -> Iterator[Aws]:
    """Run the server in a process of its own; its log is in `folder`."""
    port = free_port()
    with (folder / "aws.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.aws_server", "-p", str(port)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        aws = Aws(port)
        deadline = time.monotonic() + WITHIN
        while not _answers(aws.url):
            assert process.poll() is None, (folder / "aws.log").read_text()
            assert time.monotonic() < deadline, "moto does not answer"
            time.sleep(0.1)
        yield aws
    finally:
        process.terminate()
        process.wait(WITHIN)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/moto-api/", timeout=5) as response:  # noqa: S310 - our own server
            return bool(response.status == 200)
    except OSError:
        return False


def _mend_logs() -> None:
    responses: Any = importlib.import_module("moto.logs.responses")
    get_param = responses.LogsResponse._get_param

    def get_param_or_identifier(response: Any, name: str, *default: Any) -> Any:
        identifier = get_param(response, "logGroupIdentifier") if name == "logGroupName" else None
        if not identifier:
            return get_param(response, name, *default)
        if not re.fullmatch(r"[\w#+=/:,.@-]*", identifier):  # the pattern in AWS's reference: it has no `*`
            raise responses.InvalidParameterException(constraint="pattern", parameter=name, value=identifier)
        return identifier.rpartition(":log-group:")[2]

    responses.LogsResponse._get_param = get_param_or_identifier


def _mend_kinesis() -> None:
    models: Any = importlib.import_module("moto.kinesis.models")  # only the server needs it
    numbers = itertools.count(1)
    get_records = models.KinesisBackend.get_records

    def shard_of(stream: Any, partition_key: str, explicit_hash_key: str | None) -> Any:
        digest = hashlib.md5(partition_key.encode(), usedforsecurity=False).hexdigest()
        key = int(explicit_hash_key) if explicit_hash_key else int(digest, 16)
        return next(
            one for one in stream.shards.values() if one.is_open and one.starting_hash <= key <= one.ending_hash
        )

    def keeping(change: Any) -> Any:
        """Return a split or merge that leaves the records where they are."""

        def changed(stream: Any, *arguments: Any) -> None:
            kept = {name: shard.records for name, shard in stream.shards.items()}
            for shard in stream.shards.values():
                shard.records = {}
            try:
                change(stream, *arguments)
            finally:
                for name, records in kept.items():
                    stream.shards[name].records = records

        return changed

    def put_record(shard: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
        number = next(numbers)
        shard.records[number] = models.Record(partition_key, data, number, explicit_hash_key)
        return str(number)

    def get_records_to_the_end(backend: Any, stream_arn: Any, shard_iterator: str, limit: int | None) -> Any:
        following, records, behind = get_records(backend, stream_arn, shard_iterator, limit)
        name, shard_id, last = models.decompose_shard_iterator(following)
        shard = backend.describe_stream(stream_arn=stream_arn, stream_name=name).get_shard(shard_id)
        ended = not shard.is_open and int(last) >= shard.get_max_sequence_number()
        return None if ended else following, records, behind

    def make_shard(shard: Any, *arguments: Any, **named: Any) -> None:
        init(shard, *arguments, **named)
        first = next(numbers)
        shard.get_min_sequence_number = lambda: first

    init, models.Shard.__init__ = models.Shard.__init__, make_shard
    models.Stream.get_shard_for_key = shard_of
    models.Stream.split_shard = keeping(models.Stream.split_shard)
    models.Stream.merge_shards = keeping(models.Stream.merge_shards)
    models.Shard.put_record = put_record
    models.KinesisBackend.get_records = get_records_to_the_end


if __name__ == "__main__":
    from moto.server import main

    _mend_kinesis()
    _mend_logs()
    main(sys.argv[1:])
