"""Split an ALTER TABLE of ours into what the local and what the Distributed tables of a cluster must be told."""

import re
from collections.abc import Sequence

COLUMN_GOES, COLUMN_COMES, LOCAL_ONLY = range(3)
"""The Distributed table names columns, and has no parts, keys, indexes, projections or settings of its own."""

KINDS = {
    r"DROP COLUMN": COLUMN_GOES,
    r"(ADD|MODIFY|COMMENT) COLUMN": COLUMN_COMES,
    r"(ADD|CLEAR|DROP|MATERIALIZE) (INDEX|PROJECTION)": LOCAL_ONLY,
    r"(ADD|DROP) CONSTRAINT": LOCAL_ONLY,
    r"(CLEAR|MATERIALIZE) COLUMN": LOCAL_ONLY,
    r"MODIFY (ORDER BY|SETTING|TTL)": LOCAL_ONLY,
    r"(MATERIALIZE|REMOVE) TTL": LOCAL_ONLY,
    r"RESET SETTING": LOCAL_ONLY,
    r"APPLY DELETED MASK": LOCAL_ONLY,
}
"""The changes that there are rules for, by how they begin. RENAME COLUMN is none of them: whichever table is renamed
first, queries fail until the other one is."""

LISTS = r"(MODIFY|RESET) SETTING\b|MODIFY TTL\b|.*\bSETTINGS\b"
"""Changes that end in a list: a comma need not end them."""
BEGINS = r"[A-Z]+ [A-Z]+\b"
TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|`[^`]*`|\"[^\"]*\"|--[^\n]*|/\*.*?\*/|[^'`\"/(),\[\]-]+|.", re.DOTALL)


def render_alter(table: str, changes: str, on_cluster: str) -> tuple[str, ...]:
    """Render the changes of one ALTER TABLE, in an order that lets queries and inserts go on meanwhile.

    The local tables get all changes in one statement, as ClickHouse takes some only together (a column and the sorting
    key that it extends). The Distributed table names no column that a shard lacks: it gains columns after the shards
    have them, and loses them before.

    Raises:
        ValueError: one of the changes has no rule.
    """
    found = [(change, _kind(change)) for change in split_changes(changes)]
    statements = []
    for kind, of_table in ((COLUMN_GOES, table), (None, f"{table}_local"), (COLUMN_COMES, table)):
        if wanted := [change for change, its_kind in found if kind in (None, its_kind)]:
            statements.append(f"ALTER TABLE {of_table} {on_cluster} {', '.join(wanted)}")
    return tuple(statements)


def split_changes(changes: str) -> list[str]:
    """Split at the commas that separate changes, not at those in parentheses, literals or lists of settings.

    Comments are left out.
    """
    found: list[str] = []
    for piece in _at_commas(changes):
        if found and re.match(LISTS, found[-1]) and not re.match(BEGINS, piece):
            found[-1] += f", {piece}"
        else:
            found.append(piece)
    return found


def _at_commas(text: str) -> Sequence[str]:
    """Split at the commas outside of parentheses and literals; blank space outside of literals becomes one blank."""
    depth, pieces = 0, [""]
    for part in TOKEN.findall(text):
        depth += (part in ("(", "[")) - (part in (")", "]"))
        if part == "," and not depth:
            pieces.append("")
        else:
            pieces[-1] += _plain(part)
    return [piece.strip() for piece in pieces]


def _plain(part: str) -> str:
    if part.startswith(("--", "/*")):
        return " "
    return part if part[0] in "'`\"" else re.sub(r"\s+", " ", part)


def _kind(change: str) -> int:
    for begins, kind in KINDS.items():
        if re.match(rf"{begins}\b", change):
            return kind
    known = ", ".join(KINDS)
    raise ValueError(f"no rule says what this change is on a cluster: {change!r}; there are rules for {known}")
