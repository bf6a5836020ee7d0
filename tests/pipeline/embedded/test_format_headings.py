"""The first row of a chunk is found behind any heading, so that headings are sent once."""

import pytest

from pipeline.embedded.format_headings import HEADING_ENDS


def binary(text: str) -> bytes:
    data = text.encode()
    length = bytes([len(data)]) if len(data) < 0x80 else bytes([len(data) & 0x7F | 0x80, len(data) >> 7])
    return length + data


LONG = "n" * 300  # its length takes two bytes in LEB128


@pytest.mark.parametrize(
    ("output_format", "heading"),
    [
        ("csvwithnames", b'"a","b"\n'),
        ("csvwithnames", b'"two\nlines","a ""quoted"" name"\n'),
        ("csvwithnamesandtypes", b'"a\n","b"\n"UInt8","String"\n'),
        ("tabseparatedwithnames", b"a\tb\\n\n"),
        ("tsvwithnamesandtypes", b"a\tb\nUInt8\tString\n"),
        ("jsoncompacteachrowwithnames", b'["a\\n", "b"]\n'),
        ("jsoncompacteachrowwithnamesandtypes", b'["a"]\n["UInt8"]\n'),
        ("rowbinarywithnames", b"\x02" + binary("a") + binary(LONG)),
        ("rowbinarywithnamesandtypes", b"\x01" + binary(LONG) + binary("UInt8")),
    ],
)
@pytest.mark.parametrize("row", [b"", b'"1","x"\n', b"\x01\x02\n\n"])
def test_the_heading_ends_where_the_first_row_begins(output_format: str, heading: bytes, row: bytes) -> None:
    assert HEADING_ENDS[output_format](heading + row) == len(heading)


def test_names_are_in_lower_case_as_they_are_looked_up() -> None:
    assert all(name == name.lower() for name in HEADING_ENDS)
