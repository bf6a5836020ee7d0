"""Fill the filter bar of a screen about one bot, with its choices and the code of its question."""

from collections.abc import Collection
from typing import Any

from pipeline.console.output.code import as_boto3, as_cli
from pipeline.console.questions import Question
from pipeline.console.url_state.filters import chips
from pipeline.console.visit import Visit
from pipeline.query.filter_choices import FilterChoices, filter_choices

CHOICE_FIELDS = {"BotAliasId": "aliases", "BotVersion": "versions", "LocaleId": "locales", "Channel": "channels"}
"""Filter -> the attribute of FilterChoices that has its values."""


def code_of(visit: Visit, question: Question) -> dict[str, str]:
    """Return the programs that ask a question, by the name of what they use."""
    return {"boto3": as_boto3(question, visit.endpoint), "CLI": as_cli(question, visit.endpoint)}


async def filter_bar(visit: Visit, accepted: Collection[str], keep: Collection[str] = ()) -> dict[str, Any]:
    """Return the values of the filter bar's template.

    Args:
        visit: the visit.
        accepted: the filters that this screen's numbers follow; others are shown as not applied.
        keep: parameters of the screen that stay when the form is sent.
    """
    app, bot_id = visit.console.app, visit.bot_id
    allowed = visit.key.can_access_bot(bot_id)
    found = await visit.console.choices.get(
        ("choices", bot_id, allowed), lambda: filter_choices(app.store, bot_id, allowed=allowed)
    )
    return {
        "chips": chips(visit.state.filters),
        "ignored": set(visit.state.ignored(accepted)),
        "choices": _choices(visit, found),
        "keep": keep,
    }


def _choices(visit: Visit, found: FilterChoices) -> dict[str, list[str]]:
    """Return the values to choose from, those that are in force but unknown included."""
    choices = {name: list(getattr(found, attribute)) for name, attribute in CHOICE_FIELDS.items()}
    for name, values in choices.items():
        values += [value for value in visit.state.filters.get(name, ()) if value not in values]
    return choices
