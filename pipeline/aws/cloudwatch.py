"""Read log events of a CloudWatch log group, page by page."""

import re
from typing import Any

import msgspec

from pipeline.aws.client import error_code, open_client, translate_errors
from pipeline.runtime.errors import UsageError

DAY_MS = 86_400_000
LATE_MS = 14 * DAY_MS
"""Age that a log event may have when it comes: a group may hold events that are older than itself."""
PAGE = 10_000
"""Events of a page; AWS also ends one after 1 MB."""
ARN = re.compile(r"arn:[\w-]+:logs:([\w-]+):(\d{12}):log-group:([-./#\w]+)(?::\*)?")
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


class GroupArn(msgspec.Struct, frozen=True):
    """The ARN of a log group, without the `:*` that AWS adds in some places and refuses in others."""

    arn: str
    region: str
    account: str
    name: str

    @classmethod
    def parse(cls, text: str) -> "GroupArn":
        """Take an ARN apart.

        Raises:
            UsageError: it is not that of a log group.
        """
        found = ARN.fullmatch(text)
        if found is None:
            raise UsageError(f"{text} is not the ARN of a log group: arn:aws:logs:REGION:ACCOUNT:log-group:NAME")
        return cls(text.removesuffix(":*"), *found.groups())


class LogGroup:
    """A log group, by its name or ARN, limited to the streams that begin with `stream_prefix`."""

    def __init__(self, name: str, stream_prefix: str = "") -> None:
        """Open a client; nothing is requested yet.

        Raises:
            UsageError: boto3 is not installed, there is no region or profile, or the ARN is that of something else.
        """
        arn = GroupArn.parse(name) if name.startswith("arn:") else None
        self._client = open_client("logs")
        if arn and arn.region != self._client.meta.region_name:
            raise UsageError(f"{name} is in another region: set AWS_DEFAULT_REGION={arn.region}")
        self._what = f"log group {name}"
        self._prefix = stream_prefix
        self._arn = arn
        self._name = arn.name if arn else name
        self._arguments: dict[str, Any] = {"logGroupIdentifier": arn.arn} if arn else {"logGroupName": name}
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
        found = self._described()
        if not found and self._arn:  # it may be in an account that this one monitors
            found = self._described(accountIdentifiers=[self._arn.account], includeLinkedAccounts=True)
        if not found:
            raise UsageError(
                f"AWS has no {self._what}: check its name, the region (AWS_DEFAULT_REGION) and the account"
            )
        retained = now - found[0].get("retentionInDays", 0) * DAY_MS if found[0].get("retentionInDays") else 0
        return int(max(found[0]["creationTime"] - LATE_MS, retained))

    def _described(self, **more: Any) -> list[dict[str, Any]]:
        """Return what AWS says about the group, if it is among those that a request finds."""
        with translate_errors(self._what):
            pages = self._client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self._name, **more)
            named = [group for page in pages for group in page["logGroups"] if group["logGroupName"] == self._name]
        return [group for group in named if not self._arn or group["arn"].removesuffix(":*") == self._arn.arn]

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
