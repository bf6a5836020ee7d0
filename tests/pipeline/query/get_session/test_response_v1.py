import pytest

from pipeline.query.get_session.lenient import Shape
from pipeline.query.get_session.response_v1 import interpreted, interpreted_slots
from schemas.lex.session_v2 import Slot
from tests.pipeline.query.session_entries import Entry, scalar

SLOT = Shape(Slot)


def listed(*values: Entry | None, **more: object) -> Entry:
    return {"shape": "List", "values": list(values), **more}


@pytest.mark.parametrize(
    ("slot", "value"),
    [
        (scalar("Lisbon"), "Lisbon"),
        (scalar(""), ""),
        ({"value": {"originalValue": "lisboa", "resolvedValues": []}}, None),
        ({"shape": "Scalar", "value": None}, None),
        ({"shape": "Scalar"}, None),
        (listed(scalar("ham"), scalar("olives")), "ham, olives"),
        (listed(scalar("ham"), value={"interpretedValue": "ham and olives"}), "ham"),
        (listed(scalar("ham"), None, {"value": {}}), "ham"),
        (listed(value={"interpretedValue": "ham and olives"}), "ham and olives"),
        (listed(), None),
        ({"shape": "Composite", "subSlots": {"Street": scalar("Rua"), "No": scalar("7"), "Door": None}}, "Rua, 7"),
        ({"shape": "Composite", "subSlots": {"Door": None}}, None),
        (listed(listed(scalar("a"), scalar("b")), scalar("c")), "a, b, c"),
    ],
)
def test_a_slot_is_what_it_is_filled_with(slot: Entry, value: str | None) -> None:
    fitted = SLOT.fit(slot)
    assert isinstance(fitted, Slot)
    assert interpreted(fitted) == value


def test_slots_keep_their_names_and_order() -> None:
    fitted = Shape(dict[str, Slot | None]).fit({"b": None, "a": scalar("x"), "c": "None", "d": 7})
    assert isinstance(fitted, dict)
    assert list(interpreted_slots(fitted).items()) == [("b", None), ("a", "x"), ("c", None), ("d", None)]
