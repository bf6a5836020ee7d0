"""A conversation as turns: what each has filled, asked and waited."""

from typing import Any

from pipeline.console.output.transcript import MAX_ENTRY, TurnView, csv_rows, message_text, turn_views
from pipeline.query.conversation import ArchivedEvent, ConversationPage
from tests.pipeline.query.session_entries import Entry, event, scalar, v1, v2


def views(*entries: Entry, before: Entry | None = None, raw: str = "{}") -> list[TurnView]:
    events = tuple(ArchivedEvent(number, event(entry), raw) for number, entry in enumerate(entries))
    return turn_views(ConversationPage(len(events), event(before).turn if before else None, events))


def filled(**slots: str | None) -> dict[str, Any]:
    return {"intent_": {"slots": {name: scalar(value) if value else None for name, value in slots.items()}}}


def test_each_turn_has_the_slots_that_it_filled() -> None:
    shown = views(
        v2(30, **filled(City=None, Nights=None)),
        v2(20, **filled(City="Lisbon", Nights=None)),
        v2(10, **filled(City="Porto", Nights="2")),
        v2(5, "BookCar", **filled(City="Porto")),
    )
    assert [turn.filled for turn in shown] == [
        {},
        {"City": "Lisbon"},
        {"City": "Porto", "Nights": "2"},
        {"City": "Porto"},
    ]


def test_a_page_does_not_guess_what_was_filled_before_it() -> None:
    assert views(v2(10, **filled(City="Lisbon")), before=v2(20))[0].filled == {}


def test_questions_are_counted_while_they_repeat() -> None:
    confirm = v2(5, state={"dialogAction": {"type": "ConfirmIntent"}})
    shown = views(v2(30), v2(20), v2(10), confirm, v2(1))
    assert [turn.asks for turn in shown] == ["City", "City (2nd time)", "City (3rd time)", "to confirm", "City"]


def test_pauses_are_since_the_entry_before_also_of_the_page_before() -> None:
    assert [turn.pause for turn in views(v2(30), v2(20.5))] == [None, 9_500]
    assert [turn.pause for turn in views(v2(10), before=v2(12))] == [2_000]


def test_confidence_is_that_of_the_intent_and_the_next_likely_one_is_named() -> None:
    guesses = [
        {"intent": {"name": "BookHotel"}, "nluConfidence": "0.63"},
        {"intent": {"name": "FallbackIntent"}},
        {"intent": {"name": "BookCar"}, "nluConfidence": {"score": 0.31}},
    ]
    (turn,) = views(v2(interpretations=guesses))
    assert turn.confidence == 0.63
    assert turn.runner_up
    assert turn.runner_up.intent.name == "BookCar"
    assert views(v2(interpretations=[]))[0].confidence is None


def test_lists_and_groups_of_slots_are_told() -> None:
    several = {"shape": "List", "values": [scalar("a"), scalar("b")]}
    group = {"shape": "Composite", "subSlots": {"Street": scalar("High"), "Number": None}}
    shown = views(v2(intent_={"slots": {"Several": several, "Group": group}}))
    assert shown[0].filled == {"Several": "a, b", "Group": "Street = High"}


def test_cards_are_text() -> None:
    card = {"title": "Rooms", "subtitle": "two left", "buttons": [{"text": "Single", "value": "1"}]}
    (turn,) = views(v2(messages=[{"contentType": "ImageResponseCard", "imageResponseCard": card}]))
    assert message_text(turn.event.messages[0]) == "Rooms\ntwo left\n[Single]"


def test_an_entry_without_words_says_what_it_is() -> None:
    (turn,) = views(v2(inputTranscript="", messages=[], operationName="PutSession"))
    assert turn.note == "PutSession"
    assert [row["text"] for row in csv_rows(turn)] == ["PutSession"]


def test_entries_of_v1_are_shown_too() -> None:
    (turn,) = views(v1(slots={"City": "Lisbon"}))
    assert (turn.filled, turn.asks) == ({"City": "Lisbon"}, "City")
    assert [(row["who"], row["text"]) for row in csv_rows(turn)] == [("user", "Said 10"), ("bot", "Reply of 10")]


def test_a_long_entry_is_not_part_of_the_page() -> None:
    assert views(v2(), raw='{"a": 1}')[0].entry == '{\n  "a": 1\n}'
    (turn,) = views(v2(), raw="x" * (MAX_ENTRY + 1))
    assert (turn.entry, turn.entry_size) == ("", MAX_ENTRY + 1)
    assert views(v2(), raw="no JSON")[0].entry == "no JSON"
