"""The three invented bots of the demo: their intents, and what users and bots say."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoSlot:
    """A slot of an intent: the bot's question, and possible answers."""

    name: str
    question: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoIntent:
    """An intent: opening utterances, slots, and the bot's closing replies."""

    name: str
    openings: tuple[str, ...]
    slots: tuple[DemoSlot, ...]
    confirm: str
    done: str
    failed: str = "I am sorry, that did not work."


@dataclass(frozen=True, slots=True)
class BotChannel:
    """A channel and the input modes of a conversation on it. `channel` is empty for the bot's own web page."""

    channel: str
    modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DemoBot:
    """A bot; `intents` are by locale."""

    id: str
    name: str
    aliases: tuple[tuple[str, str], ...]
    channels: tuple[BotChannel, ...]
    intents: dict[str, tuple[DemoIntent, ...]]


def travel_bot() -> DemoBot:
    """Build the bot of a travel agency, on the web and in messengers, in English and some Spanish."""
    hotel = DemoIntent(
        "BookHotel",
        ("I need a hotel", "book me a room please", "somewhere to sleep next week", "hotel by the sea?"),
        (
            DemoSlot(
                "City",
                "Which city are you going to?",
                ("Lisbon", "Kyoto", "Reykjavík", "Valparaíso", "Ghent"),
            ),
            DemoSlot("CheckInDate", "When do you arrive?", ("tomorrow", "next Friday", "on the 14th", "2 May")),
            DemoSlot("Nights", "For how many nights?", ("2", "three", "a week", "just one")),
            DemoSlot("RoomType", "Single, double or a dormitory bed?", ("double", "single", "dorm is fine")),
        ),
        "Shall I book it?",
        "Done! The confirmation is in your mailbox.",
        "All right, I have booked nothing.",
    )
    train = DemoIntent(
        "BookTrain",
        ("train tickets", "I want to go by train", "is there a night train?"),
        (
            DemoSlot("Origin", "Where do you get on?", ("Porto", "Vienna", "Hamburg", "Osaka")),
            DemoSlot("Destination", "And where to?", ("Venice", "Zurich", "Malmö", "Nagano")),
            DemoSlot("TravelDate", "On which day?", ("Saturday", "tomorrow morning", "1 June")),
        ),
        "Two changes, 61 euros. Is that good?",
        "Your tickets are booked. Have a window seat!",
        "Then we wait for a better connection.",
    )
    cancel = DemoIntent(
        "CancelTrip",
        ("I have to cancel", "cancel my booking", "we cannot travel after all"),
        (DemoSlot("BookingReference", "What is the booking reference?", ("QX7K2P", "LM40ZT", "B9RRW1")),),
        "Cancel it and refund 80 percent?",
        "It is cancelled, the refund is on its way.",
        "Good, the booking stays as it is.",
    )
    car = DemoIntent(
        "RentCar",
        ("I need a car", "rent a car for the weekend", "something with four wheels"),
        (
            DemoSlot("PickupCity", "Where do you pick it up?", ("Lisbon", "Porto", "Vienna")),
            DemoSlot("CarKind", "Small, estate or van?", ("small", "estate", "a van, we are six")),
        ),
        "Shall I reserve it?",
        "Reserved. Bring your driving licence.",
        "No car, then.",
    )
    change = DemoIntent(
        "ChangeBooking",
        ("change my dates", "can I move my booking?", "we arrive a day later"),
        (
            DemoSlot("BookingReference", "What is the booking reference?", ("QX7K2P", "LM40ZT", "B9RRW1")),
            DemoSlot("NewDate", "What is the new date?", ("a day later", "Sunday", "9 May")),
        ),
        "It costs nothing. Shall I change it?",
        "Changed.",
        "It stays as it is.",
    )
    spanish = DemoIntent(
        "BookHotel",
        ("busco un hotel", "quiero reservar una habitación"),
        (
            DemoSlot("City", "¿A qué ciudad viaja?", ("Sevilla", "Bogotá", "Cusco")),
            DemoSlot("CheckInDate", "¿Qué día llega?", ("mañana", "el viernes", "el 3 de julio")),
            DemoSlot("Nights", "¿Cuántas noches?", ("dos", "una", "cinco")),
        ),
        "¿Confirmo la reserva?",
        "¡Listo! Le hemos enviado la confirmación.",
        "De acuerdo, no he reservado nada.",
    )
    return DemoBot(
        id="TRAVELBOT1",
        name="Wayfarer",
        aliases=(("LIVEALIAS1", "live"), ("LIVEALIAS1", "live"), ("TSTALIASID", "TestBotAlias")),
        channels=(BotChannel("", ("Text",)), BotChannel("Facebook", ("Text",)), BotChannel("Slack", ("Text",))),
        intents={
            "en_US": (hotel, train, cancel, car, change),
            "en_GB": (hotel, train, cancel, change),
            "es_ES": (spanish,),
        },
    )


def bank_bot() -> DemoBot:
    """Build the bot of a bank on the telephone. In every other release it often fails to find the card to block."""
    balance = DemoIntent(
        "CheckBalance",
        ("what is my balance", "how much is on my account", "balance please"),
        (
            DemoSlot("Account", "Your current or your savings account?", ("current", "savings")),
            DemoSlot("Pin", "Please key in your telephone PIN.", ("{Pin}",)),
        ),
        "Shall I read it out?",
        "Your balance is two thousand and sixteen, forty.",
    )
    block = DemoIntent(
        "BlockCard",
        ("my card is gone", "I lost my card", "somebody stole my wallet", "block my card now"),
        (
            DemoSlot("CardKind", "Is it a debit or a credit card?", ("debit", "credit", "the blue one")),
            DemoSlot("LastDigits", "Key in the last four digits of the card.", ("4711", "0815", "9020")),
        ),
        "Block this card for good?",
        "The card is blocked. A new one is on its way.",
        "I could not find that card. The card is not blocked.",
    )
    transfer = DemoIntent(
        "TransferMoney",
        ("I want to send money", "transfer to my landlord", "pay a bill"),
        (
            DemoSlot("Amount", "How much?", ("250", "a thousand", "19.99")),
            DemoSlot("Payee", "To whom?", ("my landlord", "Ada", "the electricity company")),
        ),
        "Send it today?",
        "Sent.",
        "I have sent nothing.",
    )
    person = DemoIntent(
        "SpeakToPerson", ("a human please", "agent!", "operator"), (), "Shall I connect you?", "One moment."
    )
    return DemoBot(
        id="HARBORBANK",
        name="HarborBank",
        aliases=(("PHONELINE1", "telephone"),),
        channels=(
            BotChannel("Connect", ("Speech", "DTMF")),
            BotChannel("Connect", ("Speech",)),
            BotChannel("Twilio", ("Text",)),
        ),
        intents={"en_US": (balance, block, transfer, person), "en_GB": (balance, block, person)},
    )


def florist() -> DemoBot:
    """Build the bot of a small shop on Lex V1: it has a name and no id."""
    flowers = DemoIntent(
        "OrderFlowers",
        ("I want roses", "a bunch of tulips", "flowers for my mother"),
        (
            DemoSlot("FlowerType", "Which flowers?", ("roses", "tulips", "lilies")),
            DemoSlot("PickupDate", "What day do you pick them up?", ("tomorrow", "Sunday", "today")),
            DemoSlot("PickupTime", "At what time?", ("10:00", "noon", "half past five")),
        ),
        "Shall I order them?",
        "Thank you, they will be ready.",
        "Another time, then.",
    )
    return DemoBot("", "CornerFlorist", (("", "prod"),), (BotChannel("Facebook", ("Text",)),), {"en-US": (flowers,)})
