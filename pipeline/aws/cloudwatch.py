"""Read log events of a CloudWatch log group, page by page."""

from typing import Any

import msgspec

from pipeline.aws.client import error_code, open_client, translate_errors
from pipeline.runtime.errors import UsageError

DAY_MS = 86_400_000
LATE_MS = 14 * DAY_MS
"""Age that a log event may have when it comes: a group may hold events that are older than itself."""
PAGE = 10_000
"""Events of a page; AWS also ends one after 1 MB."""
INVALID = "InvalidParameterException"


class LogEvent(msgspec.Struct, frozen=True, gc=False):
    """A log event; `id` is unique in the group, `timestamp` in ms."""

    id: str
    stream: str
    timestamp: int
    message: str


class Page(msgspec.Struct, frozen=True):
    """Some events of a window. It is the last page if there is no `token`, however few events it has."""

    events: list[LogEvent]
    token: str


class ExpiredTokenError(Exception):
    """The token of the next page is older than 24 hours: the window has to be read from its beginning."""


class LogGroup:
    """A log group, by its name or ARN, limited to the streams that begin with `stream_prefix`."""

    def __init__(self, name: str, stream_prefix: str = "") -> None:
        """Open a client; nothing is requested yet.

        Raises:
            UsageError: boto3 is not installed, or there is no region or profile.
        """
        self._client = open_client("logs")
        self._what = f"log group {name}"
        self._prefix = stream_prefix
        self._arguments: dict[str, Any] = {"logGroupIdentifier" if name.startswith("arn:") else "logGroupName": name}
        self._name = name.removesuffix(":*").rpartition(":log-group:")[2]
        if stream_prefix:
            self._arguments["logStreamNamePrefix"] = stream_prefix

    @property
    def endpoint(self) -> str:
        """The URL that requests go to; it contains the region."""
        return str(self._client.meta.endpoint_url)

    def beginning(self, now: int) -> int:
        """Return the time before which the group has no events, in ms.

        Raises:
            UsageError: there is no such group, or no right to describe it. TransientError: AWS does not answer.
        """
        with translate_errors(self._what):
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self._name)
            found = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == self._name]
        if not found:
            raise UsageError(
                f"AWS has no {self._what}: check its name, the region (AWS_DEFAULT_REGION) and the account"
            )
        retained = now - found[0].get("retentionInDays", 0) * DAY_MS if found[0].get("retentionInDays") else 0
        return int(max(found[0]["creationTime"] - LATE_MS, retained))

    def page(self, since: int, until: int, token: str = "", limit: int = PAGE) -> Page:
        """Return a page of the events with `since` <= timestamp < `until`: the first, or that of `token`.

        Raises:
            ExpiredTokenError: AWS does not know the token any more.
            UsageError: there is no such group, or no right to read it. TransientError: AWS does not answer.
        """
        arguments = {"startTime": since, "endTime": until - 1, "limit": limit, **self._arguments}
        if token:
            arguments["nextToken"] = token
        try:
            with translate_errors(self._what):
                response = self._client.filter_log_events(**arguments)
        except UsageError as error:
            if token and error_code(error.__cause__) == INVALID:
                raise ExpiredTokenError from error
            raise
        events = [
            LogEvent(one["eventId"], one["logStreamName"], one["timestamp"], one["message"])
            for one in response.get("events", ())
            if one["logStreamName"].startswith(self._prefix)
        ]
        return Page(events, response.get("nextToken") or "")
