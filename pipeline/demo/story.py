"""The cast of the demo: three invented bots, what people want of them, and in which words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Slot:
    """What an intent needs to know: the bot's question and some answers."""

    name: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Intent:
    """Something people want: how they say it, what the bot asks, and what it says in the end."""

    name: str
    openings: tuple[str, ...]
    slots: tuple[Slot, ...]
    confirm: str
    done: str
    failed: str = "I am sorry, that did not work."


@dataclass(frozen=True, slots=True)
class Entrance:
    """A way to reach a bot. `channel` is empty for its own web page."""

    channel: str
    modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot; `intents` are by locale."""

    id: str
    name: str
    aliases: tuple[tuple[str, str], ...]
    entrances: tuple[Entrance, ...]
    intents: dict[str, tuple[Intent, ...]]


def travel_bot() -> Bot:
    """An agency for short trips, on the web and in messengers, in English and a little Spanish."""
    hotel = Intent(
        "BookHotel",
        ("I need a hotel", "book me a room please", "somewhere to sleep next week", "hotel by the sea?"),
        (
            Slot(
                "City",
                "Which city are you going to?",
                ("Lisbon", "Kyoto", "Reykjavík", "Valparaíso", "Ghent"),
            ),
            Slot("CheckInDate", "When do you arrive?", ("tomorrow", "next Friday", "on the 14th", "2 May")),
            Slot("Nights", "For how many nights?", ("2", "three", "a week", "just one")),
            Slot("RoomType", "Single, double or a dormitory bed?", ("double", "single", "dorm is fine")),
        ),
        "Shall I book it?",
        "Done! The confirmation is in your mailbox.",
        "All right, I have booked nothing.",
    )
    train = Intent(
        "BookTrain",
        ("train tickets", "I want to go by train", "is there a night train?"),
        (
            Slot("Origin", "Where do you get on?", ("Porto", "Vienna", "Hamburg", "Osaka")),
            Slot("Destination", "And where to?", ("Venice", "Zurich", "Malmö", "Nagano")),
            Slot("TravelDate", "On which day?", ("Saturday", "tomorrow morning", "1 June")),
        ),
        "Two changes, 61 euros. Is that good?",
        "Your tickets are booked. Have a window seat!",
        "Then we wait for a better connection.",
    )
    cancel = Intent(
        "CancelTrip",
        ("I have to cancel", "cancel my booking", "we cannot travel after all"),
        (Slot("BookingReference", "What is the booking reference?", ("QX7K2P", "LM40ZT", "B9RRW1")),),
        "Cancel it and refund 80 percent?",
        "It is cancelled, the refund is on its way.",
        "Good, the booking stays as it is.",
    )
    spanish = Intent(
        "BookHotel",
        ("busco un hotel", "quiero reservar una habitación"),
        (
            Slot("City", "¿A qué ciudad viaja?", ("Sevilla", "Bogotá", "Cusco")),
            Slot("CheckInDate", "¿Qué día llega?", ("mañana", "el viernes", "el 3 de julio")),
            Slot("Nights", "¿Cuántas noches?", ("dos", "una", "cinco")),
        ),
        "¿Confirmo la reserva?",
        "¡Listo! Le hemos enviado la confirmación.",
        "De acuerdo, no he reservado nada.",
    )
    return Bot(
        id="TRAVELBOT1",
        name="Wayfarer",
        aliases=(("LIVEALIAS1", "live"), ("LIVEALIAS1", "live"), ("TSTALIASID", "TestBotAlias")),
        entrances=(Entrance("", ("Text",)), Entrance("Facebook", ("Text",)), Entrance("Slack", ("Text",))),
        intents={"en_US": (hotel, train, cancel), "en_GB": (hotel, train, cancel), "es_ES": (spanish,)},
    )


def bank_bot() -> Bot:
    """A bank on the telephone. Every other release of it no longer finds the card that is to be blocked."""
    balance = Intent(
        "CheckBalance",
        ("what is my balance", "how much is on my account", "balance please"),
        (
            Slot("Account", "Your current or your savings account?", ("current", "savings")),
            Slot("Pin", "Please key in your telephone PIN.", ("{Pin}",)),
        ),
        "Shall I read it out?",
        "Your balance is two thousand and sixteen, forty.",
    )
    block = Intent(
        "BlockCard",
        ("my card is gone", "I lost my card", "somebody stole my wallet", "block my card now"),
        (
            Slot("CardKind", "Is it a debit or a credit card?", ("debit", "credit", "the blue one")),
            Slot("LastDigits", "Key in the last four digits of the card.", ("4711", "0815", "9020")),
        ),
        "Block this card for good?",
        "The card is blocked. A new one is on its way.",
        "I could not find that card. The card is not blocked.",
    )
    transfer = Intent(
        "TransferMoney",
        ("I want to send money", "transfer to my landlord", "pay a bill"),
        (
            Slot("Amount", "How much?", ("250", "a thousand", "19.99")),
            Slot("Payee", "To whom?", ("my landlord", "Ada", "the electricity company")),
        ),
        "Send it today?",
        "Sent.",
        "I have sent nothing.",
    )
    person = Intent(
        "SpeakToPerson", ("a human please", "agent!", "operator"), (), "Shall I connect you?", "One moment."
    )
    return Bot(
        id="HARBORBANK",
        name="HarborBank",
        aliases=(("PHONELINE1", "telephone"),),
        entrances=(
            Entrance("Connect", ("Speech", "DTMF")),
            Entrance("Connect", ("Speech",)),
            Entrance("Twilio", ("Text",)),
        ),
        intents={"en_US": (balance, block, transfer, person), "en_GB": (balance, block, person)},
    )


def florist() -> Bot:
    """A small shop that still runs Lex V1: it has a name and no id."""
    flowers = Intent(
        "OrderFlowers",
        ("I want roses", "a bunch of tulips", "flowers for my mother"),
        (
            Slot("FlowerType", "Which flowers?", ("roses", "tulips", "lilies")),
            Slot("PickupDate", "What day do you pick them up?", ("tomorrow", "Sunday", "today")),
            Slot("PickupTime", "At what time?", ("10:00", "noon", "half past five")),
        ),
        "Shall I order them?",
        "Thank you, they will be ready.",
        "Another time, then.",
    )
    return Bot("", "CornerFlorist", (("", "prod"),), (Entrance("Facebook", ("Text",)),), {"en-US": (flowers,)})
