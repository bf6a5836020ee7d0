"""Read the shards of a Kinesis data stream."""

from datetime import UTC, datetime

import msgspec

from pipeline.aws.client import error_code, open_client, translate_errors
from pipeline.runtime.errors import UsageError

LIMIT = 10_000
"""Records of a request at most; AWS also ends one after 10 MB."""
ITERATOR_EXPIRED = "ExpiredIteratorException"
OLDEST, AT, AFTER = "TRIM_HORIZON", "AT_TIMESTAMP", "AFTER_SEQUENCE_NUMBER"
CLOSED = "CLOSED"
"""Positions in a shard: its oldest record, a time in ms, after a sequence number, and behind the last record."""


class Shard(msgspec.Struct, frozen=True):
    """A shard, and those whose keys it has taken over by a split or a merge.

    `first` is the sequence number at which it begins: the shard of a recreated stream has another one, and the same id.
    """

    id: str
    parents: tuple[str, ...]
    first: str


class StreamRecord(msgspec.Struct, frozen=True, gc=False):
    """A record of a shard; `arrival` is in ms."""

    number: str
    arrival: int
    data: bytes


class Records(msgspec.Struct, frozen=True):
    """Some records of a shard; `behind` (ms) is the distance to its end, and `next` is empty at a closed shard's end.

    An empty list does not mean that there are no further records.
    """

    records: list[StreamRecord]
    next: str
    behind: int


class IteratorExpiredError(Exception):
    """An iterator was not used for five minutes: a new one is needed."""


class DataStream:
    """A data stream, by its name or ARN."""

    def __init__(self, name: str) -> None:
        """Open a client; nothing is requested yet.

        Raises:
            UsageError: boto3 is not installed, or there is no region or profile.
        """
        self._client = open_client("kinesis")
        self._what = f"data stream {name}"
        self._arguments = {"StreamARN" if name.startswith("arn:") else "StreamName": name}

    @property
    def endpoint(self) -> str:
        """The URL that requests go to; it contains the region."""
        return str(self._client.meta.endpoint_url)

    def shards(self) -> list[Shard]:
        """Return all shards that hold records or may get some, closed ones included.

        Raises:
            UsageError: there is no such stream, or no right to list it. TransientError: AWS does not answer.
        """
        with translate_errors(self._what):
            pages = self._client.get_paginator("list_shards").paginate(**self._arguments)
            found = [shard for page in pages for shard in page["Shards"]]
        names = {shard["ShardId"] for shard in found}
        parents = ("ParentShardId", "AdjacentParentShardId")
        return [
            Shard(
                shard["ShardId"],
                tuple(shard[key] for key in parents if shard.get(key) in names),
                shard["SequenceNumberRange"]["StartingSequenceNumber"],
            )
            for shard in found
        ]

    def iterator(self, shard: str, kind: str, value: str | int) -> str:
        """Return an iterator for a position in a shard.

        Raises:
            UsageError: there is no such shard, or no right to read it. TransientError: AWS does not answer.
        """
        arguments: dict[str, object] = {"ShardId": shard, "ShardIteratorType": kind, **self._arguments}
        if kind == AT:
            arguments["Timestamp"] = datetime.fromtimestamp(int(value) / 1000, UTC)
        elif kind == AFTER:
            arguments["StartingSequenceNumber"] = value
        with translate_errors(f"{shard} of {self._what}"):
            return str(self._client.get_shard_iterator(**arguments)["ShardIterator"])

    def records(self, iterator: str) -> Records:
        """Return the records at an iterator.

        Raises:
            IteratorExpiredError: a new iterator is needed.
            UsageError: there is no right to read it. TransientError: AWS does not answer.
        """
        try:
            with translate_errors(self._what):
                response = self._client.get_records(ShardIterator=iterator, Limit=LIMIT)
        except UsageError as error:
            if error_code(error.__cause__) == ITERATOR_EXPIRED:
                raise IteratorExpiredError from error
            raise
        records = [
            StreamRecord(one["SequenceNumber"], _milliseconds(one.get("ApproximateArrivalTimestamp")), one["Data"])
            for one in response["Records"]
        ]
        return Records(records, response.get("NextShardIterator") or "", int(response.get("MillisBehindLatest", 0)))


def _milliseconds(time: datetime | None) -> int:
    return 0 if time is None else round(time.timestamp() * 1000)
