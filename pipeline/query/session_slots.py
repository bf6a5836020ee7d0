"""Slots as Lex V2 has them in; as V1 has them out: one text each, or null where nothing fills the slot."""

from collections.abc import Mapping
from itertools import chain

from msgspec import UNSET

from schemas.lex.session_v1 import Slots
from schemas.lex.session_v2 import Slot

BETWEEN = ", "
"""Stands between the values of a slot that has several."""


def interpreted_slots(slots: Mapping[str, Slot | None]) -> Slots:
    """Name -> interpreted value."""
    return {name: interpreted(slot) for name, slot in slots.items()}


def interpreted(slot: Slot | None) -> str | None:
    """The values of a list or a group, those that are filled, joined; else the slot's own."""
    if slot is None:
        return None
    parts = chain(slot.values or (), (slot.sub_slots or {}).values())
    filled = [value for value in map(interpreted, parts) if value is not None]
    if filled:
        return BETWEEN.join(filled)
    value = slot.value.interpreted_value if slot.value else UNSET
    return None if value is UNSET else value
