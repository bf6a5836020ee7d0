"""Split an ALTER TABLE into statements for the local and for the Distributed tables of a cluster."""

import re
from collections.abc import Sequence

COLUMN_DROPPED, COLUMN_CHANGED, LOCAL_ONLY = range(3)
"""Kinds of changes. A Distributed table has columns, but no parts, keys, indexes, projections or settings."""

KINDS = {
    r"DROP COLUMN": COLUMN_DROPPED,
    r"MODIFY COLUMN \w+ (REMOVE )?TTL": LOCAL_ONLY,
    r"(ADD|MODIFY|COMMENT) COLUMN": COLUMN_CHANGED,
    r"(ADD|CLEAR|DROP|MATERIALIZE) (INDEX|PROJECTION)": LOCAL_ONLY,
    r"(ADD|DROP) CONSTRAINT": LOCAL_ONLY,
    r"(CLEAR|MATERIALIZE) COLUMN": LOCAL_ONLY,
    r"MODIFY (ORDER BY|SETTING|TTL)": LOCAL_ONLY,
    r"(MATERIALIZE|REMOVE) TTL": LOCAL_ONLY,
    r"RESET SETTING": LOCAL_ONLY,
    r"APPLY DELETED MASK": LOCAL_ONLY,
}
"""Pattern of the beginning of a change -> its kind. RENAME COLUMN is not supported: whichever table is renamed first,
queries fail until the other one is renamed too."""

LIST_CHANGES = r"(MODIFY|RESET) SETTING\b|MODIFY TTL\b|.*\bSETTINGS\b"
"""Changes that end in a list, so that a comma may belong to them."""
CHANGE_START = r"[A-Z]+ [A-Z]+\b"
TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|[^'`\"/(),\[\]-]+|.", re.DOTALL)


def render_alter(table: str, changes: str, on_cluster: str) -> tuple[str, ...]:
    """Render the changes of one ALTER TABLE, in an order in which queries and inserts keep working.

    The local tables get all changes in one statement, since ClickHouse accepts some only together (a column and the
    sorting key that it extends). The Distributed table must not have a column that a shard lacks: it gains
    columns after the shards, and loses them before.

    Raises:
        ValueError: a change is of no known kind.
    """
    kinds = [(change, _kind(change)) for change in split_changes(changes)]
    statements = []
    for kind, of_table in ((COLUMN_DROPPED, table), (None, f"{table}_local"), (COLUMN_CHANGED, table)):
        if selected := [change for change, its_kind in kinds if kind in (None, its_kind)]:
            statements.append(f"ALTER TABLE {of_table} {on_cluster} {', '.join(selected)}")
    return tuple(statements)


def split_changes(changes: str) -> list[str]:
    """Split at the commas that separate changes, not at those in parentheses, literals or lists of settings.

    Comments are dropped.
    """
    parts: list[str] = []
    for piece in _at_commas(changes):
        if parts and re.match(LIST_CHANGES, parts[-1]) and not re.match(CHANGE_START, piece):
            parts[-1] += f", {piece}"
        else:
            parts.append(piece)
    return parts


def _at_commas(text: str) -> Sequence[str]:
    """Split at commas outside of parentheses and literals; collapse whitespace outside of literals."""
    depth, pieces = 0, [""]
    for lexeme in TOKEN.findall(text):
        depth += (lexeme in ("(", "[")) - (lexeme in (")", "]"))
        if lexeme == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += _normalize(lexeme)
    return [piece.strip() for piece in pieces]


def _normalize(lexeme: str) -> str:
    if lexeme.startswith(("--", "/*")):
        return " "
    return lexeme if lexeme[0] in "'`\"" else re.sub(r"\s+", " ", lexeme)


def _kind(change: str) -> int:
    for beginning, kind in KINDS.items():
        if re.match(rf"{beginning}\b", change):
            return kind
    known = ", ".join(KINDS)
    raise ValueError(f"unsupported change on a cluster: {change!r}; supported are {known}")
