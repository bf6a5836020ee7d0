"""Print intent paths: a tree for people, and the columns of CSV and JSON for programs."""

from collections.abc import Callable

import orjson
from rich.text import Text
from rich.tree import Tree

from agents.cli.output.query.bars import bar, percent
from agents.cli.output.write import cell, console, write_json
from agents.cli.path_tree import PathNode


def path_cells(total: int) -> dict[str, Callable[[PathNode], str | int]]:
    """Return the columns of a path by name; its share is of `total` conversations."""
    return {
        "intentPath": lambda node: node.path,
        "intentLevel": lambda node: node.level,
        "intentName": lambda node: node.name,
        "conversations": lambda node: node.count,
        "share": lambda node: f"{node.count / total:.4f}" if total else "",
        "onward": lambda node: node.onward,
        "ended": lambda node: node.ended,
    }


def print_paths_json(root: PathNode) -> None:
    """Print one array of paths, one per line."""
    cells = path_cells(root.count)
    lines = [
        orjson.dumps({name: value(node) for name, value in cells.items()} | {"share": node.count / root.count})
        for node in root.walk()
        if node.count
    ]
    write_json(b"[" + b",\n".join(lines) + b"]")


def print_tree(root: PathNode, title: str) -> None:
    """Print a tree with the conversations of each path, their share, and how many ended there."""
    greatest = max((child.count for child in root.children), default=0)
    heading = f"{title}: {root.count:,} conversations"
    tree = Tree(Text(cell(f"{heading} took {root.path}" if root.level else f"{heading} with an intent"), "bold"))
    _add(tree, root, root.count, greatest)
    console().print(tree)


def _add(tree: Tree, node: PathNode, total: int, greatest: int) -> None:
    width = max((len(cell(child.name)) for child in node.children), default=0)
    for child in node.children:
        label = Text(f"{cell(child.name):<{width}}  {child.count:>7,} {percent(child.count, total):>5}  ", no_wrap=True)
        label.append_text(bar(child.count, greatest))
        if child.ended:
            label.append(f"  {child.ended:,} ended here", "dim")
        _add(tree.add(label), child, total, greatest)
    hidden = node.onward - sum(child.count for child in node.children)
    if node.children and hidden > 0:
        tree.add(Text(f"others {hidden:,}", "dim"))
