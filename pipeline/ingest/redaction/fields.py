"""Decide by its name, as the settings say, how each member of an entry with texts, slots or attributes is redacted."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from pipeline.config.settings import Settings
from pipeline.ingest.redaction.allowlist import PLAUSIBLE
from pipeline.ingest.redaction.masking import Members, RedactionState, child_objects, drop, mask
from pipeline.ingest.redaction.patterns import Patterns
from schemas.lex.log_entry import CHANNELS

ALL = "*"
TRANSCRIPTS = frozenset(("inputTranscript", "rawInputTranscript", "transcription", "rawTranscription"))
"""Members with what users said: the same words in figures, spelled out, or misheard."""

BOT_RESPONSES = ("botResponse", "imageResponseCard", "responseCard", "kendraResponse")
"""Members with what bots said, in V1 and V2, as one text or several."""

POSSIBLE_RESPONSES = ("message", "response", "transcriptions")
"""Members of entries, code-hook events and responses that are such texts, or objects that hold them."""

SEARCH_RESPONSES = ("x-amz-lex:kendra-search-response", "x-amz-lex:qna-search-response")
"""Prefixes, in lower case, of attributes that hold the bot's response."""

OTHER_LABELS = frozenset(("pattern", "payload", "packed", "unreadable", "unlisted", "values", *PLAUSIBLE))
"""Labels of redacted values that are not the name of a field."""

MIN_ATTRIBUTE_LENGTH = 4
"""Characters from which an attribute's value is masked elsewhere too: shorter ones are flags and counts."""

CACHED_NAMES = 10_000
"""Member names that are cached: bots have some hundreds."""

Action = Callable[[Members, str, RedactionState], None]


class NameList:
    """Names that a setting lists, in any case; * stands for all."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = frozenset(name.casefold() for name in names)

    def __contains__(self, name: str) -> bool:
        return ALL in self._names or name.casefold() in self._names

    def __bool__(self) -> bool:
        return bool(self._names)


class MemberActions(dict[str, Action | None]):
    """The action for members of a name, in any case; names are cached, as they recur."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._lowered = {name.lower(): action for name, action in actions.items()}

    def __bool__(self) -> bool:
        return bool(self._lowered)

    def __missing__(self, name: str) -> Action | None:
        action = self._lowered.get(name.lower())
        if len(self) < CACHED_NAMES:
            self[name] = action
        return action


class Fields:
    """The `actions` for members of an entry by their names, wherever they are."""

    def __init__(self, settings: Settings) -> None:
        self._slots, self._attributes = NameList(settings.redact_slots), NameList(settings.redact_attributes)
        self._hide = drop if settings.redact_transcripts == "drop" else mask
        self._hides_transcripts = settings.redact_transcripts != "keep"
        self.unlisted = self._hides_transcripts and ALL in settings.redact_slots and ALL in settings.redact_attributes
        """True if unknown members are hidden too: if everything that people say is to go, they may hold more of it."""
        actions: dict[str, Action] = {}
        if self._hides_transcripts:
            actions |= dict.fromkeys((*TRANSCRIPTS, *BOT_RESPONSES), self._hide) | dict.fromkeys(
                POSSIBLE_RESPONSES, self._hide_response
            )
            actions |= {"messages": self._messages}
        if self._slots or settings.redact_obfuscated:
            actions |= dict.fromkeys(
                ("slots", "resolvedSlots", "subSlots", "slotDetails", "subSlotHints"), self._slot_map
            )
            actions |= {"slotHints": self._hints}
        if self._slots or settings.redact_obfuscated or self._attributes:
            actions |= {"contextAttributes": self._context, "activeContexts": self._contexts}
            actions |= {"evaluatedExpression": self._evaluated}
        if self._attributes or self._hides_transcripts:
            actions |= dict.fromkeys(("sessionAttributes", "requestAttributes"), self._attribute_map)
        self.actions = MemberActions(actions)

    def __bool__(self) -> bool:
        return bool(self.actions)

    def is_label(self, label: object) -> bool:
        """Return whether `label` may be the label of a redacted value."""
        first = label.partition(".")[0] if isinstance(label, str) else ""
        return first in OTHER_LABELS or self.actions[first] is not None

    def _hide_response(self, parent: Members, name: str, state: RedactionState) -> None:
        if type(parent[name]) in {dict, list}:
            for _ in child_objects(parent, name, state):
                pass  # their members are hidden when the tree reaches them
        else:
            self._hide(parent, name, state)

    def _messages(self, parent: Members, name: str, state: RedactionState) -> None:
        for message in child_objects(parent, name, state):
            if "content" in message:
                self._hide(message, "content", state, "messages.content")

    def _slot_map(self, parent: Members, name: str, state: RedactionState, label: str = "") -> None:
        for slots in child_objects(parent, name, state, label):
            for slot in slots:
                if slots[slot] is not None and self._is_slot(slot, state):
                    mask(slots, slot, state, f"slots.{slot}", min_length=1)

    def _hints(self, parent: Members, name: str, state: RedactionState) -> None:
        for intents in child_objects(parent, name, state):
            for intent in intents:
                self._slot_map(intents, intent, state, name)

    def _contexts(self, parent: Members, name: str, state: RedactionState) -> None:
        """Hide attributes of contexts; V1 has them in `parameters`."""
        for context in child_objects(parent, name, state):
            if "parameters" in context:
                self._context(context, "parameters", state)

    def _context(self, parent: Members, name: str, state: RedactionState) -> None:
        """Hide attributes of a context; a slot that sets a context is copied there under its name."""
        for attributes in child_objects(parent, name, state):
            for attribute in attributes:
                if self._is_slot(attribute, state):
                    mask(attributes, attribute, state, f"slots.{attribute}", min_length=1)
                elif attribute in self._attributes:
                    mask(attributes, attribute, state, f"{name}.{attribute}", min_length=MIN_ATTRIBUTE_LENGTH)

    def _evaluated(self, parent: Members, name: str, state: RedactionState) -> None:
        """Hide an expression, which holds values as they were compared."""
        if self._slots or self._attributes or state.obfuscated:
            mask(parent, name, state)

    def _attribute_map(self, parent: Members, name: str, state: RedactionState) -> None:
        for attributes in child_objects(parent, name, state):
            for attribute in list(attributes):
                if self._hides_transcripts and attribute.lower().startswith(SEARCH_RESPONSES):
                    self._hide(attributes, attribute, state, f"{name}.{attribute}")
                elif attribute in self._attributes and not (name == "requestAttributes" and attribute in CHANNELS):
                    mask(attributes, attribute, state, f"{name}.{attribute}", min_length=MIN_ATTRIBUTE_LENGTH)

    def _is_slot(self, name: str, state: RedactionState) -> bool:
        return name in self._slots or name.casefold() in state.obfuscated


class MemberNames:
    """Masks patterns in member names, which people choose too: an address may name an attribute. Names are cached."""

    def __init__(self, patterns: Patterns) -> None:
        self._patterns = patterns
        self._harmless: set[str] = set()

    def mask(self, members: dict[str, Any], marks: set[str]) -> None:
        """Mask the names of `members`, keeping their order; add the labels of what was masked to `marks`."""
        if self._patterns and not self._harmless.issuperset(members):
            renamed = {name: self._masked(name, marks) for name in members}
            if any(name != new for name, new in renamed.items()):
                self._rename(members, renamed)

    def _masked(self, name: str, marks: set[str]) -> str:
        if name in self._harmless:
            return name
        masked = self._patterns.masked(name, marks)
        if masked == name and len(self._harmless) < CACHED_NAMES:
            self._harmless.add(name)
        return masked

    @staticmethod
    def _rename(members: dict[str, Any], renamed: dict[str, str]) -> None:
        """Rename members; names that are masked alike get numbers, so that no member is lost."""
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
