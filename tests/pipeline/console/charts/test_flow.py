from hypothesis import given
from hypothesis import strategies as st

from pipeline.console.charts.flow import COLUMN, HEIGHT, LEAST, FlowColumn, FlowNode, layout, read_nodes, rows

A_TO_B = [("A", "/A", 5, False), ("A", "/A", 3, True)]


def test_what_goes_on_and_what_ends_is_one_node() -> None:
    assert read_nodes(A_TO_B, "/") == [FlowNode("A", "/A", 8, 3)]


def test_the_path_itself_is_what_ended_there() -> None:
    summaries = [*A_TO_B, ("B", "/A/B", 5, True)]
    assert read_nodes(summaries, "/A") == [FlowNode("B", "/A/B", 5, 5), FlowNode("ended here", "/A", 3, 3, "exit")]


def test_further_nodes_are_one_but_never_one_alone() -> None:
    summaries = [(f"I{n}", f"/I{n}", 10 - n, True) for n in range(8)]
    nodes = read_nodes(summaries, "/")
    assert [node.name for node in nodes] == ["I0", "I1", "I2", "I3", "I4", "3 others"]
    assert sum(node.count for node in nodes) == sum(count for _, _, count, _ in summaries)
    assert [node.name for node in read_nodes(summaries[:6], "/")] == [f"I{n}" for n in range(6)]


@given(st.lists(st.lists(st.integers(1, 10**6), min_size=1, max_size=7), min_size=1, max_size=6))
def test_each_column_fills_the_height_in_order_of_counts(counts: list[list[int]]) -> None:
    nodes = [
        tuple(FlowNode(f"I{n}", f"/{level}/I{n}", count, 0) for n, count in enumerate(column))
        for level, column in enumerate(counts)
    ]
    columns = [FlowColumn(each, each[0].path) for each in nodes]
    picture = layout(columns)
    assert len(picture.boxes) == sum(map(len, counts))
    for level, column in enumerate(columns):
        boxes = [box for box in picture.boxes if box.node in column.nodes]
        assert abs(boxes[-1].y + boxes[-1].height - HEIGHT) < 0.2
        assert all(box.height >= LEAST - 0.1 and box.x + COLUMN <= picture.width for box in boxes)
        assert bool(boxes[0].ribbon) == (level + 1 < len(columns))
        heights = [box.height for box in sorted(boxes, key=lambda box: box.node.count)]
        assert heights == sorted(heights)


def test_the_table_nests_the_opened_node() -> None:
    a, b, c = FlowNode("A", "/A", 5, 1), FlowNode("B", "/B", 2, 2), FlowNode("C", "/A/C", 4, 4)
    assert rows([FlowColumn((a, b), "/A"), FlowColumn((c,))]) == [(0, a), (1, c), (0, b)]
    assert rows([]) == []
