"""Expand the macros that Grafana and dbt have in queries."""

import re

GRAFANA = {
    r"\$__timeFilter\((\w+)\)": r"(\1 >= $__fromTime AND \1 <= $__toTime)",
    r"\$__timeInterval\((\w+)\)": r"toStartOfInterval(toDateTime(\1), INTERVAL 60 second)",
    r"\$__fromTime": "toDateTime(1700000000)",
    r"\$__toTime": "toDateTime(1900000000)",
}
"""Macro -> what the data source makes of it for a panel of the years 2023 to 2030."""
DBT = {
    r"\{\{ config\(.*?\) \}\}": "",
    r"\{% if is_incremental\(\) %\}.*?\{% endif %\}": "",
    r"\{\{ source\('\w+', '(\w+)'\) \}\}": r"\1",
}
"""Macro -> what dbt makes of it for the first run of a model."""


def expand_grafana(query: str) -> str:
    """Expand the macros of a query as Grafana's data source for ClickHouse does."""
    for macro, text in GRAFANA.items():
        query = re.sub(macro, text, query)
    assert "$__" not in query
    return query


def expand_dbt(model: str) -> str:
    """Render a model as dbt does."""
    for macro, text in DBT.items():
        model = re.sub(macro, text, model, flags=re.DOTALL)
    assert "{" not in model
    return model
