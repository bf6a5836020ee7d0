"""Conversations that somebody has written in; put right where others wrote too or somebody was forgotten, out."""

from collections.abc import Collection

from pipeline.config.retention import Retention
from pipeline.materialise.forget import clear
from pipeline.materialise.settle import Terms, settle
from pipeline.materialise.watch import Seen, Watch
from pipeline.store.databases import Databases
from schemas.turn import ConversationKey


class After:
    """What every writer does after its writes: each of them is followed by a look, and the last one changes nothing.

    Who is forgotten while a writer is at work may be written by it after the deletion; it sees the word when it
    looks, and deletes that again. Where it dies before, its events are read again by whoever takes its place, are
    dropped there, and their sessions are looked at here.
    """

    def __init__(
        self, databases: Databases, watch: Watch, fallback_intents: Collection[str], retention: Retention
    ) -> None:
        self._databases = databases
        self._watch = watch
        self._fallback_intents = fallback_intents
        self._retention = retention

    async def put_right(
        self,
        written: Collection[ConversationKey],
        met: Collection[ConversationKey],
        seen: Seen,
        *,
        shared: bool,
        unsure: Collection[ConversationKey] = (),
    ) -> set[ConversationKey]:
        """Return once nothing that was written is amiss; the conversations whose rows have changed by that.

        `met` are all conversations of whose sessions an event has come, `written` those that it was folded into.
        `seen` is what was so after the last write. Where others may have written the same (`shared`), the rows are
        settled, else those of `unsure` ones alone. All of it may be repeated.

        Raises:
            TransientError: worth a second try.
        """
        changed: set[ConversationKey] = set()
        while True:
            terms = Terms(self._fallback_intents, seen.forgotten, self._retention)
            words = seen.forgotten.of(met)
            due = written if shared else unsure
            if due:
                changed |= await settle(await self._databases.live(), due, terms)
            if words:
                again = [key for key in due if key[:2] in words]
                await clear(self._databases, words, terms, again)
            if not due and not words:
                return changed
            now = await self._watch.look()
            if now.forgotten is seen.forgotten and now.around.tables == seen.around.tables:
                return changed
            seen, shared = now, True
