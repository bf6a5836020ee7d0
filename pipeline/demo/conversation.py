"""Make up a conversation with a bot, turn by turn, without times."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from pipeline.demo.bots import DemoBot
from pipeline.demo.dialog import FALLBACK, DemoTurn, Dialog

ENDINGS = {"fulfilled": 52, "ready": 6, "declined": 12, "fallback": 10, "left": 20}
"""Ending -> share of conversations, in percent."""
GREETED = 0.08
"""Share of conversations that begin with an utterance that matches no intent."""
GREETINGS = ("hello?", "hi there", "good morning", "is anybody there", "HELP", "??", "do you speak Dutch?")
BAD_RELEASE_FAILS = 0.7
"""Share of BlockCard conversations that fail in a bad release; those with odd numbers are bad."""
USERS = 400
"""Number of users."""


@dataclass(frozen=True, slots=True)
class DemoConversation:
    """A conversation: bot, user and turns."""

    bot: DemoBot
    alias: tuple[str, str]
    version: str
    locale: str
    channel: str
    session_id: str
    request_ids: tuple[str, ...]
    turns: tuple[DemoTurn, ...]


def make_conversation(rng: Random, bot: DemoBot, release: int) -> DemoConversation:
    """Make up a conversation with this release of `bot`."""
    locale = rng.choice([locale for locale, intents in bot.intents.items() for _ in intents])
    channel = rng.choice(bot.channels)
    intents_wanted = rng.sample(bot.intents[locale], k=min(len(bot.intents[locale]), rng.choice((1, 1, 1, 2, 3))))
    ending = rng.choices(list(ENDINGS), list(ENDINGS.values()))[0]
    if intents_wanted[-1].name == "BlockCard" and release % 2 and rng.random() < BAD_RELEASE_FAILS:
        ending = "declined"
    turns = tuple(_turns(rng, [Dialog.choose(rng, intent, channel.modes) for intent in intents_wanted], ending))
    return DemoConversation(
        bot=bot,
        alias=rng.choice(bot.aliases),
        version=str(release),
        locale=locale,
        channel=channel.channel,
        session_id=_user(rng, channel.modes),
        request_ids=tuple(request_id(rng) for _ in turns),
        turns=turns,
    )


def request_id(rng: Random) -> str:
    """Return a UUID of version 4, as Lex gives every request."""
    bits = f"{rng.getrandbits(128):032x}"
    return f"{bits[:8]}-{bits[8:12]}-4{bits[13:16]}-{'89ab'[int(bits[16], 16) % 4]}{bits[17:20]}-{bits[20:]}"


def _user(rng: Random, modes: tuple[str, ...]) -> str:
    """Choose the session id of a user, on the telephone its number; most users return."""
    number = rng.randrange(USERS)
    return f"guest-{number:03d}" if "Text" in modes else f"+1555010{number:04d}"


def _turns(rng: Random, dialogs: list[Dialog], ending: str) -> Iterator[DemoTurn]:
    *before, last = dialogs
    if rng.random() < GREETED:
        yield DemoTurn(
            rng.choice(GREETINGS),
            last.modes[0],
            "What can I do for you?",
            FALLBACK,
            "InProgress",
            "ElicitIntent",
            missed=True,
        )
    for dialog in before:
        # the user abandons the intent midway, or completes it and has another
        answered = rng.randint(0, len(dialog.answers))
        yield from dialog.questions(rng, answered)
        if answered == len(dialog.answers):
            yield from dialog.confirmed("yes", "Fulfilled")
    yield from _ending(rng, last, ending)


def _ending(rng: Random, dialog: Dialog, ending: str) -> Iterator[DemoTurn]:
    if ending in {"left", "fallback"}:
        yield from dialog.questions(rng, rng.randrange(len(dialog.answers) or 1))
        if ending == "fallback":
            yield dialog.given_up(rng)
        return
    yield from dialog.questions(rng, len(dialog.answers))
    answer, state = {
        "fulfilled": ("yes please", "Fulfilled"),
        "ready": ("yes", "ReadyForFulfillment"),
        "declined": ("no", "Failed"),
    }[ending]
    yield from dialog.confirmed(answer, state)
