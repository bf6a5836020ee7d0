"""Set up Jinja: templates escape everything, and show what cannot be seen."""

from collections.abc import Callable
from typing import Any

import jinja2

from pipeline.console.assets import Assets
from pipeline.console.measures import value_of
from pipeline.console.output import formats
from pipeline.console.output.text import FOLDED, Exact, finalize, segments
from pipeline.console.url_state.filters import FIELDS
from pipeline.console.url_state.span import CHOICES, iso

FILTERS: dict[str, Callable[..., Any]] = {
    "count": formats.count,
    "duration": formats.duration,
    "share": formats.share,
    "mean": formats.mean,
    "pause": formats.pause,
    "size": formats.size,
    "moment": formats.moment,
    "iso": iso,
    "change": formats.change,
    "value_of": lambda result, name, statistic: value_of(result, (name, statistic)),
    "formatted": lambda value, name: FILTERS[name](value),
    "exact": Exact,
    "local": formats.local,
    "segment": formats.segment,
    "segments": segments,
}


def environment(assets: Assets) -> jinja2.Environment:
    """Build the environment of all templates."""
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
        auto_reload=False,
    )
    templates.filters.update(FILTERS)
    templates.globals.update(asset=assets.url, fields=FIELDS, spans=CHOICES, folded=FOLDED)
    return templates
