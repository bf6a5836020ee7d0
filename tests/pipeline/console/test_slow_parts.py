from pipeline.console.slow_parts import SlowParts


def test_a_slow_part_is_known_until_it_is_fast_again() -> None:
    parts = SlowParts()
    assert "a" not in parts
    parts.note("a", slow=True)
    assert "a" in parts
    assert "b" not in parts
    parts.note("a", slow=False)
    assert "a" not in parts


def test_it_is_tried_again_after_a_while() -> None:
    parts = SlowParts(seconds=0.0)
    parts.note("a", slow=True)
    assert "a" not in parts


def test_the_oldest_is_forgotten_first() -> None:
    parts = SlowParts(most=2)
    for name in "abac":
        parts.note(name, slow=True)
    assert [name in parts for name in "abc"] == [True, False, True]
