from hypothesis import given
from hypothesis import strategies as st

from pipeline.runtime.printable import printable


@given(st.text())
def test_nothing_is_left_that_a_terminal_would_obey(text: str) -> None:
    assert printable(text).isprintable()
    assert len(printable(text)) == len(text)


def test_what_can_be_printed_stays() -> None:
    assert printable("Grüße \x1b[31m\n") == "Grüße �[31m�"
