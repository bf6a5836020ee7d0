"""A tree of paths is read level by level, and has what enough conversations took."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.cli import path_tree
from agents.cli.path_tree import ROOT, read_tree
from schemas.lex.analytics.list_intent_paths import AnalyticsIntentNodeSummary, NodeType
from tests.effort import examples

TAKEN = ["/A"] * 6 + ["/A/B"] * 3 + ["/A/B/C"] * 2 + ["/A/D"] + ["/B"] * 4 + ["/C/A"]


class Bot:
    """Answers as the query layer would, and remembers what it was asked."""

    def __init__(self, taken: Sequence[str]) -> None:
        self.taken = taken
        self.asked: list[str] = []

    def summaries(self, path: str) -> list[AnalyticsIntentNodeSummary]:
        """The summaries of a path and its children."""
        self.asked.append(path)
        prefix = "" if path == ROOT else path
        counts: Counter[tuple[str, NodeType]] = Counter()
        for taken in self.taken:
            names = taken.split("/")[1:]
            for length in range(1, len(names) + 1):
                kind = NodeType.EXIT if length == len(names) else NodeType.INNER
                counts["/" + "/".join(names[:length]), kind] += 1
        return [
            AnalyticsIntentNodeSummary(found.rpartition("/")[2], found, count, found.count("/"), kind)
            for (found, kind), count in sorted(counts.items())
            if found == path or found.rpartition("/")[0] == prefix
        ]


def test_levels_and_counts_are_those_of_the_conversations() -> None:
    bot = Bot(TAKEN)
    root = read_tree(bot.summaries, ROOT, 3, 0)
    assert [(node.path, node.onward, node.ended) for node in root.walk()] == [
        ("/", 17, 0), ("/A", 6, 6), ("/A/B", 2, 3), ("/A/B/C", 0, 2), ("/A/D", 0, 1), ("/B", 0, 4), ("/C", 1, 0),
        ("/C/A", 0, 1),
    ]  # fmt: skip
    assert bot.asked == ["/", "/A", "/C", "/A/B"], "nothing is asked of where nobody went on"
    assert [node.level for node in root.walk()] == [0, 1, 2, 3, 2, 1, 1, 2]


def test_a_tree_may_begin_anywhere_and_be_shallow() -> None:
    bot = Bot(TAKEN)
    root = read_tree(bot.summaries, "/A", 1, 0)
    assert [(node.path, node.name, node.count) for node in root.walk()] == [
        ("/A", "A", 12),
        ("/A/B", "B", 5),
        ("/A/D", "D", 1),
    ]
    assert bot.asked == ["/A"]
    assert read_tree(bot.summaries, "/nobody", 3, 0.1).count == 0


def test_paths_that_few_took_are_left_out() -> None:
    root = read_tree(Bot(TAKEN).summaries, ROOT, 3, 3 / 17)
    assert [node.path for node in root.walk()] == ["/", "/A", "/A/B", "/B"]


def test_a_wide_and_deep_tree_takes_a_bounded_number_of_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(path_tree, "MAX_REQUESTS", 4)
    bot = Bot([f"/{one}/{two}/{three}" for one in "ABC" for two in "AB" for three in "AB"])
    root = read_tree(bot.summaries, ROOT, 20, 0)
    assert bot.asked == ["/", "/A", "/B", "/C"]
    assert max(node.level for node in root.walk()) == 2
    assert root.count == 12


@settings(max_examples=examples(200), deadline=None)
@given(
    st.lists(
        st.lists(st.sampled_from("ABC"), min_size=1, max_size=5).map(lambda names: "/" + "/".join(names)), max_size=20
    ),
    st.integers(1, 4),
    st.floats(0, 1),
)
def test_what_goes_on_is_in_the_children_unless_it_is_left_out(taken: list[str], depth: int, least: float) -> None:
    root = read_tree(Bot(taken).summaries, ROOT, depth, least)
    assert root.count == len(taken)
    for node in root.walk():
        assert node.level <= depth
        below = sum(child.count for child in node.children)
        assert below <= node.onward
        if least == 0 and node.level < depth:
            assert below == node.onward
        assert all(child.count >= least * len(taken) for child in node.children)
