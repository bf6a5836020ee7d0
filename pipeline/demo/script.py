"""A bot and some randomness in; one conversation out, turn by turn, with nothing said about when."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pipeline.demo.story import Bot
from pipeline.demo.visit import FALLBACK, Step, Visit

ENDINGS = {"fulfilled": 52, "ready": 6, "declined": 12, "fallback": 10, "left": 20}
"""How conversations end, in percent."""
GREETED = 0.08
"""Share of conversations that begin with words which no intent is made for."""
BAD_RELEASE_FAILS = 0.7
"""Share of conversations about BlockCard that fail in a bad release: each with an odd number."""
GUESTS = 400


@dataclass(frozen=True, slots=True)
class Talk:
    """One conversation: who with whom, and its turns."""

    bot: Bot
    alias: tuple[str, str]
    version: str
    locale: str
    channel: str
    session_id: str
    request_ids: tuple[str, ...]
    steps: tuple[Step, ...]


def talk(rng: Random, bot: Bot, release: int) -> Talk:
    """A conversation with that release of `bot`."""
    locale = rng.choice([locale for locale, intents in bot.intents.items() for _ in intents])
    entrance = rng.choice(bot.entrances)
    wishes = rng.sample(bot.intents[locale], k=min(len(bot.intents[locale]), rng.choice((1, 1, 1, 2, 3))))
    ending = rng.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    if wishes[-1].name == "BlockCard" and release % 2 and rng.random() < BAD_RELEASE_FAILS:
        ending = "declined"
    steps = tuple(_steps(rng, [Visit.of(rng, wish, entrance.modes) for wish in wishes], ending))
    return Talk(
        bot=bot,
        alias=rng.choice(bot.aliases),
        version=str(release),
        locale=locale,
        channel=entrance.channel,
        session_id=_guest(rng, entrance.modes),
        request_ids=tuple(request_id(rng) for _ in steps),
        steps=steps,
    )


def request_id(rng: Random) -> str:
    """A UUID of version 4, as Lex gives every request."""
    bits = f"{rng.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) % 4]}{bits[17:20]}-{bits[20:]}"


def _guest(rng: Random, modes: tuple[str, ...]) -> str:
    """The guest's session id: on the telephone, its number; most come again."""
    number = rng.randrange(GUESTS)
    return f"guest-{number:03d}" if "Text" in modes else f"+1555010{number:04d}"


def _steps(rng: Random, visits: list[Visit], ending: str) -> Iterator[Step]:
    *before, last = visits
    if rng.random() < GREETED:
        yield Step(
            "hello?",
            last.modes[0],
            "What can I do for you?",
            FALLBACK,
            "InProgress",
            "ElicitIntent",
            missed=True,
        )
    for visit in before:
        # the guest thinks of something else on the way, or is served and goes on
        answered = rng.randint(0, len(visit.answers))
        yield from visit.questions(rng, answered)
        if answered == len(visit.answers):
            yield from visit.confirmed("yes", "Fulfilled")
    yield from _ending(rng, last, ending)


def _ending(rng: Random, visit: Visit, ending: str) -> Iterator[Step]:
    if ending in {"left", "fallback"}:
        yield from visit.questions(rng, rng.randrange(len(visit.answers) or 1))
        if ending == "fallback":
            yield visit.given_up()
        return
    yield from visit.questions(rng, len(visit.answers))
    said, state = {
        "fulfilled": ("yes please", "Fulfilled"),
        "ready": ("yes", "ReadyForFulfillment"),
        "declined": ("no", "Failed"),
    }[ending]
    yield from visit.confirmed(said, state)
