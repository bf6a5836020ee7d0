import re

import msgspec
import pytest

from schemas.conversation import Conversation
from schemas.views import CONVERSATION, VIEWS, View

COLUMNS = {field.name for field in msgspec.structs.fields(Conversation)}


def test_names_of_views_differ_and_say_what_they_are() -> None:
    names = [view.name for view in VIEWS]
    assert len(set(names)) == len(names)
    assert all(name.startswith("v_") for name in names)


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
def test_a_view_begins_with_the_columns_of_its_conversation(view: View) -> None:
    assert view.columns[: len(CONVERSATION)] == CONVERSATION
    names = [column.name for column in view.columns]
    assert len(set(names)) == len(names)
    assert all(column.comment for column in view.columns)


@pytest.mark.parametrize("view", VIEWS, ids=[view.name for view in VIEWS])
def test_a_view_reads_columns_of_the_table_only(view: View) -> None:
    assert set(view.arrays) <= COLUMNS
    read = {name for column in view.columns for name in re.findall(r"\bc\.(\w+)", column.sql)}
    assert {"bot_id", "start"} <= read <= COLUMNS
    own = {word for column in view.columns for word in re.findall(r"\b(?:visit|stage|utterance)_\w+", column.sql)}
    assert own == set(view.arrays), "each array is read"
