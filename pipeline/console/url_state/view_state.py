"""The state of a view, which its URL holds: span, filters, time zone, and what only one screen knows."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request

from pipeline.console.url_state.filters import BY_NAME, FORM_FIELDS, Pairs, lex_filters, read_filters
from pipeline.console.url_state.span import BETWEEN, Span, parse_span
from pipeline.query.errors import InvalidQueryError

ZONE_COOKIE = "turnfold_zone"
"""Cookie that the script sets to the reader's time zone."""
UTC = "UTC"
SPAN_FIELDS = ("last", "from", "to")


@dataclass(frozen=True, slots=True)
class ViewState:
    """What a view shows.

    Attributes:
        span: the time span.
        filters: Lex's name of a filter -> its values as the URL has them.
        more: parameters of single screens, such as `sort` or `find`.
        zone: the time zone of times and of heat maps.
        zone_chosen: the URL names the zone.
    """

    span: Span
    filters: Mapping[str, tuple[str, ...]]
    more: Mapping[str, str]
    zone: ZoneInfo
    zone_chosen: bool

    def pairs(self) -> Pairs:
        """Return the parameters that the state of all screens consists of, in their one order."""
        filters = [(name, value) for name, values in self.filters.items() for value in values]
        return [*self.span.query(), *filters, *([("zone", self.zone.key)] if self.zone_chosen else [])]

    def url(self, *, keep: Collection[str] = (), without: Iterable[tuple[str, str]] = (), **changes: str | None) -> str:
        """Return the query of a URL: this state with changes.

        Args:
            keep: parameters of the screen that stay.
            without: parameters to drop.
            changes: new values of parameters; a filter gets this value alone; None removes it.
        """
        dropped = set(without)
        pairs = [pair for pair in self.pairs() if pair not in dropped and pair[0] not in changes]
        pairs += [(name, self.more[name]) for name in keep if name in self.more and name not in changes]
        pairs += [(name, value) for name, value in changes.items() if value is not None]
        return urlencode(pairs)

    def without_filters(self, keep: Collection[str] = ()) -> str:
        """Return the query of a URL with this span and no filters."""
        return self.url(keep=keep, without=[pair for pair in self.pairs() if pair[0] in self.filters])

    def conversation_url(self, session_id: str, start: float, end: float) -> str:
        """Return the query of a URL that lists the conversation of these times (seconds), without other filters."""
        span = Span.between(math.floor(start) - 1, math.ceil(end) + 1)
        filters = {"SessionId": (session_id,)}
        return replace(self, span=span, filters=filters).url()

    def only(self, name: str, value: str) -> Self:
        """Return this state with one value of a filter in place of all others."""
        return replace(self, filters={**self.filters, name: (value,)})

    def request(self, accepted: Collection[str], span: Span | None = None, **members: Any) -> dict[str, Any]:
        """Build the body of a request for this span, with those filters that the operation accepts."""
        span = span or self.span
        filters = lex_filters(self.filters, accepted)
        return {
            "startDateTime": span.after,
            "endDateTime": span.before,
            **({"filters": filters} if filters else {}),
            **members,
        }

    def ignored(self, accepted: Collection[str]) -> Sequence[str]:
        """Return the filters in force that an operation does not accept."""
        return [name for name in self.filters if name not in accepted]


def read_state(request: Request, now: int, screen_parameters: Collection[str]) -> ViewState:
    """Read the state from the URL of a request, and the zone from its cookie where the URL names none.

    Raises:
        InvalidQueryError: the span or the time zone cannot be read.
    """
    query = request.query_params
    chosen = query.get("zone", "")
    zone = _zone(chosen) if chosen else _zone(request.cookies.get(ZONE_COOKIE, UTC), lenient=True)
    return ViewState(
        span=parse_span(query, zone, now),
        filters=read_filters(query.multi_items()),
        more={name: query[name] for name in screen_parameters if query.get(name)},
        zone=zone,
        zone_chosen=bool(chosen),
    )


def is_from_form(pairs: Iterable[tuple[str, str]]) -> bool:
    """Return whether parameters come from the form as they are: with empty fields, or fields that stand for others."""
    return any(not value or name in FORM_FIELDS or value == BETWEEN for name, value in pairs) or any(
        name in SPAN_FIELDS and value and not value.endswith("Z") and name != "last" for name, value in pairs
    )


def is_filter(name: str) -> bool:
    """Return whether a parameter is a filter."""
    return name in BY_NAME


def _zone(name: str, *, lenient: bool = False) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if lenient:
            return ZoneInfo(UTC)
        raise InvalidQueryError("zone", "there is no such time zone; write one such as Europe/Berlin or UTC") from None
