"""Explain by which rule a conversation has the end state that it has."""

from pipeline.config.settings import Settings
from schemas.lex.analytics.list_sessions import SessionSpecification
from schemas.turn import Turn


def end_rule(last: Turn | None, facts: SessionSpecification, settings: Settings) -> str:
    """Return the rule in a sentence.

    Args:
        last: the last event that has an intent; None if none has one.
        facts: the conversation as the API lists it.
        settings: they name fallback intents and the idle time.
    """
    ttl = f"{settings.idle_ttl_of(last.bot_id) if last else settings.idle_ttl:g} s"
    if not facts.conversation_end_state:
        return f"Open: nothing has ended it, and fewer than {ttl} have passed since its last event."
    if facts.conversation_end_state == "Dropped":
        return f"Dropped: {_unfinished(last)}, and nothing followed for {ttl}."
    if last is None:
        return ""
    if last.intent_name in settings.fallback_intents:
        return f"Failure: its last intent, {last.intent_name}, means that nothing else was recognised."
    if facts.conversation_end_state == "Failure":
        return f"Failure: its last intent, {last.intent_name}, closed as {last.intent_state}."
    return f"Success: its last intent, {last.intent_name}, closed as {last.intent_state}."


def _unfinished(last: Turn | None) -> str:
    if last is None:
        return "no intent was recognised"
    state = f" ({last.intent_state})" if last.intent_state else ""
    return f"its last intent, {last.intent_name}, was not finished{state}"
