"""The statements read no more than a few narrow columns, and bind every value."""

import pytest

from pipeline.query.list_bots import sql

STATEMENTS = {name: text for name, text in vars(sql).items() if name.isupper()}


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_is_constant_and_reads_no_text_of_users(name: str) -> None:
    assert not {"session_id", "payload", "utterance"} & set(STATEMENTS[name].replace(",", " ").split())
    assert "FINAL" not in STATEMENTS[name]
