"""Quote texts and names where ClickHouse takes no parameters: in definitions and grants."""


def literal(text: str) -> str:
    """Return a string literal with this text."""
    return _quoted(text, "'")


def identifier(name: str) -> str:
    """Return a name in quotes, whatever it contains."""
    return _quoted(name, "`")


def _quoted(text: str, quote: str) -> str:
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote
