"""The flow of conversations from intent to intent: a column a level, of which one node is opened into the next."""

from collections.abc import Sequence
from dataclasses import dataclass

HEIGHT = 440
COLUMN, RIBBON, GAP = 250, 70, 4
"""Units of a column, of the ribbon between two, and between two nodes."""
LEAST = 24
"""Units of height at least, so that there is room for a name; other nodes give a little for it."""
MAX_CHILDREN = 5
"""Next intents that are shown one by one; further ones are `others`."""


@dataclass(frozen=True, slots=True)
class FlowNode:
    """A path that conversations took, several of them together (`others`), or what ended there (`exit`).

    Attributes:
        name: the last intent.
        path: the path; empty for others.
        count: conversations that took it.
        ended: those of them whose path ends there.
        kind: node, others or exit.
    """

    name: str
    path: str
    count: int
    ended: int
    kind: str = "node"

    @property
    def goes_on(self) -> bool:
        """Return whether something follows that can be shown."""
        return self.kind == "node" and self.count > self.ended


@dataclass(frozen=True, slots=True)
class FlowColumn:
    """What follows a path, the most frequent first; `opened` is the path whose next intents the next column shows."""

    nodes: tuple[FlowNode, ...]
    opened: str = ""


@dataclass(frozen=True, slots=True)
class FlowBox:
    """A node on the picture, and the ribbon from it to the next column; empty for none."""

    node: FlowNode
    x: int
    y: float
    height: float
    ribbon: str


@dataclass(frozen=True, slots=True)
class FlowPicture:
    """The picture: its boxes and its width, in units."""

    boxes: tuple[FlowBox, ...]
    width: int


def read_nodes(summaries: Sequence[tuple[str, str, int, bool]], path: str) -> list[FlowNode]:
    """Join the two summaries of each path: what goes on, and what ends. The path itself becomes the exit.

    Args:
        summaries: (intent, path, count, whether it ends there).
        path: the path that was asked for.
    """
    totals: dict[str, tuple[str, int, int]] = {}
    for name, node_path, count, ends in summaries:
        _, total, ended = totals.get(node_path, ("", 0, 0))
        totals[node_path] = name, total + count, ended + (count if ends else 0)
    _, _, here = totals.pop(path, ("", 0, 0))
    nodes = [FlowNode(name, each, total, ended) for each, (name, total, ended) in totals.items()]
    nodes.sort(key=lambda node: (-node.count, node.name))
    exits = [FlowNode("ended here", path, here, here, "exit")] if here else []
    return [*_with_others(nodes), *exits]


def _with_others(nodes: Sequence[FlowNode]) -> list[FlowNode]:
    first, others = list(nodes[:MAX_CHILDREN]), nodes[MAX_CHILDREN:]
    if len(others) == 1:
        return [*first, *others]
    if others:
        total, ended = sum(node.count for node in others), sum(node.ended for node in others)
        first.append(FlowNode(f"{len(others)} others", "", total, ended, "others"))
    return first


def layout(columns: Sequence[FlowColumn]) -> FlowPicture:
    """Place the nodes of all columns; each column has the whole height."""
    boxes: list[FlowBox] = []
    for number, column in enumerate(columns):
        x, y = number * (COLUMN + RIBBON), 0.0
        for node, height in zip(column.nodes, _heights([node.count for node in column.nodes]), strict=True):
            is_opened = node.path == column.opened and node.kind == "node" and number + 1 < len(columns)
            ribbon = _ribbon(x + COLUMN, y, height) if is_opened else ""
            boxes.append(FlowBox(node, x, round(y, 1), round(height, 1), ribbon))
            y += height + GAP
    return FlowPicture(tuple(boxes), len(columns) * (COLUMN + RIBBON) - RIBBON)


def _heights(counts: Sequence[int]) -> list[float]:
    """Divide the height in proportion, but give each node at least LEAST."""
    free = HEIGHT - GAP * (len(counts) - 1) - LEAST * len(counts)
    total = sum(counts) or 1
    return [LEAST + free * count / total for count in counts]


def _ribbon(x: float, y: float, height: float) -> str:
    return f"M{x} {y:.1f}L{x + RIBBON} 0V{HEIGHT}L{x} {y + height:.1f}Z"


def rows(columns: Sequence[FlowColumn], depth: int = 0) -> list[tuple[int, FlowNode]]:
    """Return all nodes with their depth, the opened one of each column followed by the next column: a nested table."""
    if not columns:
        return []
    found: list[tuple[int, FlowNode]] = []
    for node in columns[0].nodes:
        found.append((depth, node))
        if node.kind == "node" and node.path == columns[0].opened:
            found += rows(columns[1:], depth + 1)
    return found
