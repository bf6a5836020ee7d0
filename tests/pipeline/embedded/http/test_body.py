import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from pipeline.embedded.errors import EngineError
from pipeline.embedded.http.body import Form, is_form, read_form

FIELD = b'Content-Disposition: form-data; name="a"'
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8")) | st.binary()))
def test_what_a_client_encodes_is_what_is_read(parts: dict[str, str | bytes]) -> None:
    fields = {name: value for name, value in parts.items() if isinstance(value, str)}
    files = {name: value for name, value in parts.items() if isinstance(value, bytes)}
    sent = {name: (f"{name}.tsv", value) if name in files else value for name, value in parts.items()}
    body, content_type = encode_multipart_formdata(sent, boundary="cd39f2ab17e04c5d")
    assert is_form(content_type)
    assert read_form(body, content_type) == Form(fields, files)


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_any_other_body_is_a_statement(content_type: str) -> None:
    assert not is_form(content_type)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n" + FIELD + b"\r\n\r\n1", "multipart/form-data; boundary=x"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x"),
        (b"--x\r\n" + FIELD + b"\r\n\r\n\xff\r\n--x--", 'multipart/form-data; boundary="x"'),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused_and_says_so(body: bytes, content_type: str) -> None:
    with pytest.raises(EngineError, match="The form cannot be read: ") as refused:
        read_form(body, content_type)
    assert refused.value.code == 36
