"""Read the tree of a bot's intent paths, level by level, as far as enough conversations went."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from schemas.lex.analytics.list_intent_paths import AnalyticsIntentNodeSummary, NodeType

ROOT = "/"
MAX_REQUESTS = 500
"""Requests for one tree; each takes some 10 ms. Of a level that is too wide, the first paths are followed."""

Ask = Callable[[str], Sequence[AnalyticsIntentNodeSummary]]
"""Return the summaries of a path and of the paths that are one intent longer."""


@dataclass(slots=True)
class PathNode:
    """A path, the conversations that went on from it and that ended there, and the longer paths that are shown."""

    path: str
    onward: int = 0
    ended: int = 0
    children: list["PathNode"] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Return the number of conversations that took the path."""
        return self.onward + self.ended

    @property
    def name(self) -> str:
        """Return the last intent of the path."""
        return self.path.rpartition("/")[2]

    @property
    def level(self) -> int:
        """Return the number of intents of the path."""
        return 0 if self.path == ROOT else self.path.count("/")

    def walk(self) -> Iterator["PathNode"]:
        """Yield the node and all below it, each before its children."""
        yield self
        for child in self.children:
            yield from child.walk()


def read_tree(ask: Ask, path: str, depth: int, least: float) -> PathNode:
    """Read the tree below `path`, with MAX_REQUESTS requests at most.

    Args:
        ask: requests the summaries of a path.
        path: where the tree begins; / is the root.
        depth: levels below `path`, at least 1.
        least: paths that a smaller share of the tree's conversations took, 0 to 1, are left out.
    """
    root = PathNode(path)
    _add_children(root, ask)
    if path == ROOT:
        root.onward = sum(child.count for child in root.children)
    fewest = least * root.count
    level, requests = [root], MAX_REQUESTS - 1
    for remaining in range(depth, 0, -1):
        for node in level:
            node.children = [child for child in node.children if child.count >= fewest]
        level = [child for node in level for child in node.children]
        followed = [node for node in level if node.onward][:requests] if remaining > 1 else []
        requests -= len(followed)
        for node in followed:
            _add_children(node, ask)
    return root


def _add_children(node: PathNode, ask: Ask) -> None:
    nodes = {node.path: node}
    for summary in ask(node.path):
        found = nodes.setdefault(summary.intent_path, PathNode(summary.intent_path))
        if summary.node_type is NodeType.INNER:
            found.onward = summary.intent_count
        else:
            found.ended = summary.intent_count
    node.children = [child for child in nodes.values() if child is not node]
