from hypothesis import given
from hypothesis import strategies as st

from agents.cli.output.write import plain


@given(st.text())
def test_nothing_is_left_that_a_terminal_would_obey(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


def test_what_can_be_printed_stays() -> None:
    assert plain("Grüße \x1b[31m\n") == "Grüße �[31m�"
