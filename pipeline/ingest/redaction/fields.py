"""Settings in; what to do with members of entries that hold texts, slots or attributes, by their names, out."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import PLAUSIBLE
from pipeline.ingest.redaction.masking import Members, RedactionState, drop, mask, objects
from pipeline.ingest.redaction.patterns import Patterns
from schemas.lex.log_entry import CHANNELS

ALL = "*"
HEARD = frozenset(("inputTranscript", "rawInputTranscript", "transcription", "rawTranscription"))
"""What users said, as it was heard: the same words in figures, spelled out, or not quite right."""

SAID = ("botResponse", "imageResponseCard", "responseCard", "kendraResponse")
"""What bots said, in V1 and V2, as a text or as more than one."""

MAY_BE_SAID = ("message", "response", "transcriptions")
"""Objects that hold texts in entries, code-hook events and answers, or such texts themselves."""

SEARCH_ANSWERS = ("x-amz-lex:kendra-search-response", "x-amz-lex:qna-search-response")
"""What attributes begin with, in lower case, that hold what the bot answers."""

OTHER_MARKS = frozenset(("pattern", "payload", "packed", "unreadable", "unlisted", "values", *PLAUSIBLE))
"""Words for what was redacted that name no field."""

ATTRIBUTE = 4
"""A shorter attribute is not looked for elsewhere: they are flags and counts."""

REMEMBERED = 10_000
"""Names of members: bots have some hundreds."""

Act = Callable[[Members, str, RedactionState], None]


class NameList:
    """Names that settings list, upper and lower case alike; * is all."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.casefold() for name in names)

    def __contains__(self, name: str) -> bool:
        return ALL in self._names or name.casefold() in self._names

    def __bool__(self) -> bool:
        return bool(self._names)


class Acts(dict[str, Act | None]):
    """What to do with members of a name, in whatever case; names are remembered, as they come again and again."""

    def __init__(self, acts: Mapping[str, Act]) -> None:
        self._lowered = {name.lower(): act for name, act in acts.items()}

    def __bool__(self) -> bool:
        return bool(self._lowered)

    def __missing__(self, name: str) -> Act | None:
        act = self._lowered.get(name.lower())
        if len(self) < REMEMBERED:
            self[name] = act
        return act


class Fields:
    """What to do with a member of an entry by its name, wherever it stands: `acts`."""

    def __init__(self, settings: Settings) -> None:
        self._slots, self._attributes = NameList(settings.redact_slots), NameList(settings.redact_attributes)
        self._hide = drop if settings.redact_transcripts == "drop" else mask
        self._transcripts = settings.redact_transcripts != "keep"
        self.unlisted = self._transcripts and ALL in settings.redact_slots and ALL in settings.redact_attributes
        """Whether what no list names is hidden too: where all that people say is to go, it may be more of that."""
        acts: dict[str, Act] = {}
        if self._transcripts:
            acts |= dict.fromkeys((*HEARD, *SAID), self._hide) | dict.fromkeys(MAY_BE_SAID, self._said)
            acts |= {"messages": self._messages}
        if self._slots or settings.redact_obfuscated:
            acts |= dict.fromkeys(("slots", "resolvedSlots", "subSlots", "slotDetails", "subSlotHints"), self._slot_map)
            acts |= {"slotHints": self._hints}
        if self._slots or settings.redact_obfuscated or self._attributes:
            acts |= {"contextAttributes": self._context, "activeContexts": self._contexts}
            acts |= {"evaluatedExpression": self._evaluated}
        if self._attributes or self._transcripts:
            acts |= dict.fromkeys(("sessionAttributes", "requestAttributes"), self._attribute_map)
        self.acts = Acts(acts)

    def __bool__(self) -> bool:
        return bool(self.acts)

    def is_mark(self, word: object) -> bool:
        """Whether `word` may be one for what was redacted."""
        first = word.partition(".")[0] if isinstance(word, str) else ""
        return first in OTHER_MARKS or self.acts[first] is not None

    def _said(self, holder: Members, name: str, found: RedactionState) -> None:
        if type(holder[name]) in {dict, list}:
            for _ in objects(holder, name, found):
                pass  # their members are hidden when they are come to
        else:
            self._hide(holder, name, found)

    def _messages(self, holder: Members, name: str, found: RedactionState) -> None:
        for message in objects(holder, name, found):
            if "content" in message:
                self._hide(message, "content", found, "messages.content")

    def _slot_map(self, holder: Members, name: str, found: RedactionState, word: str = "") -> None:
        for slots in objects(holder, name, found, word):
            for slot in slots:
                if slots[slot] is not None and self._is_slot(slot, found):
                    mask(slots, slot, found, f"slots.{slot}", least=1)

    def _hints(self, holder: Members, name: str, found: RedactionState) -> None:
        for intents in objects(holder, name, found):
            for intent in intents:
                self._slot_map(intents, intent, found, name)

    def _contexts(self, holder: Members, name: str, found: RedactionState) -> None:
        """V1 has the attributes of a context in its `parameters`."""
        for context in objects(holder, name, found):
            if "parameters" in context:
                self._context(context, "parameters", found)

    def _context(self, holder: Members, name: str, found: RedactionState) -> None:
        """A slot that sets a context is copied into its attributes, under the slot's name."""
        for attributes in objects(holder, name, found):
            for each in attributes:
                if self._is_slot(each, found):
                    mask(attributes, each, found, f"slots.{each}", least=1)
                elif each in self._attributes:
                    mask(attributes, each, found, f"{name}.{each}", least=ATTRIBUTE)

    def _evaluated(self, holder: Members, name: str, found: RedactionState) -> None:
        """Values stand in it as they were compared."""
        if self._slots or self._attributes or found.obfuscated:
            mask(holder, name, found)

    def _attribute_map(self, holder: Members, name: str, found: RedactionState) -> None:
        for attributes in objects(holder, name, found):
            for each in list(attributes):
                if self._transcripts and each.lower().startswith(SEARCH_ANSWERS):
                    self._hide(attributes, each, found, f"{name}.{each}")
                elif each in self._attributes and not (name == "requestAttributes" and each in CHANNELS):
                    mask(attributes, each, found, f"{name}.{each}", least=ATTRIBUTE)

    def _is_slot(self, name: str, found: RedactionState) -> bool:
        return name in self._slots or name.casefold() in found.obfuscated


class MemberNames:
    """Renames members whose names hold a pattern. Names are remembered, as they come again and again."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._harmless: set[str] = set()

    def mask(self, members: dict[str, Any], marks: set[str]) -> None:
        """Mask the names of `members`, in their order; what was found is added to `marks`."""
        if self._patterns and not self._harmless.issuperset(members):
            renamed = {name: self._masked(name, marks) for name in members}
            if any(name != new for name, new in renamed.items()):
                self._rename(members, renamed)

    def _masked(self, name: str, marks: set[str]) -> str:
        if name in self._harmless:
            return name
        masked = self._patterns.masked(name, marks)
        if masked == name and len(self._harmless) < REMEMBERED:
            self._harmless.add(name)
        return masked

    @staticmethod
    def _rename(members: dict[str, Any], renamed: dict[str, str]) -> None:
        """Two names that are masked alike are told apart by a number, and so lose neither member."""
        taken = {name for name, new in renamed.items() if name == new}
        numbers: Counter[str] = Counter()
        before = list(members.items())
        members.clear()
        for name, child in before:
            new = renamed[name]
            while new != name and new in taken:
                numbers[renamed[name]] += 1
                new = f"{renamed[name]} {numbers[renamed[name]] + 1}"
            taken.add(new)
            members[new] = child
