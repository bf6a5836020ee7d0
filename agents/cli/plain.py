"""Text that comes from outside in; the same without anything that a terminal would obey out."""


def plain(text: str) -> str:
    """Every letter that cannot be printed replaced; line ends too, so that one line stays one."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
