import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3.filepost import encode_multipart_formdata

from pipeline.embedded.failures import Failure
from pipeline.embedded.form import fields, is_form

FIELD = b'Content-Disposition: form-data; name="a"'
NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1)


@given(st.dictionaries(NAMES, st.text(st.characters(codec="utf-8"))))
def test_what_a_client_encodes_is_what_is_read(given_fields: dict[str, str]) -> None:
    body, content_type = encode_multipart_formdata(given_fields)
    assert is_form(content_type)
    assert fields(body, content_type) == given_fields


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_any_other_body_is_a_statement(content_type: str) -> None:
    assert not is_form(content_type)


@pytest.mark.parametrize(
    ("body", "content_type", "code"),
    [
        (b"", "multipart/form-data", 36),
        (b"", "multipart/form-data; boundary=x", 36),
        (b"--x\r\n" + FIELD + b"\r\n\r\n1", "multipart/form-data; boundary=x", 36),
        (b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x", 36),
        (b"--x\r\n" + FIELD + b"\r\n\r\n\xff\r\n--x--", 'multipart/form-data; boundary="x"', 36),
        (b"--x\r\n" + FIELD + b'; filename="b"\r\n\r\n1\r\n--x--', "multipart/form-data; boundary=x", 48),
    ],
)  # fmt: skip
def test_a_broken_form_is_refused_and_says_so(body: bytes, content_type: str, code: int) -> None:
    with pytest.raises(Failure) as refused:
        fields(body, content_type)
    assert refused.value.code == code
