"""List the members of log entries and envelopes that identify them, their session and their time, and are kept."""

import re
from collections.abc import Iterable, Mapping

from schemas.lex.log_entry import CHANNELS

KeptMembers = Mapping[str, "KeptMembers | None"]
"""Name of a member -> None if a text or number in it is kept, else the kept members of the object in it.

Lists make no difference: what holds for an object holds for each object in a list.
"""

BOT_DEFINED: KeptMembers = {}
"""In an object whose member names the bot defines, such as slots: its member in the entry decides what is hidden."""

UNKNOWN: KeptMembers = {}
"""In an object that is not listed."""

SCORED: KeptMembers = {"score": None}
"""In an object that replaces a number."""

MARKS = "turnfoldRedacted"
"""Member that lists what was redacted."""
SIZE = "bytes"
"""Member with the size in bytes, in the replacement of an input that is not kept."""

_INTENT = "name state confirmationState confirmationStatus checkpointLabel nluIntentConfidence nluIntentConfidenceScore"
_ACTION = "type slotToElicit slotElicitationStyle fulfillmentState messageFormat"
_STATE = {
    "": "originatingRequestId",
    "intent": _INTENT,
    "dialogAction": _ACTION,
    "dialogAction.subSlotToElicit": "name",
    "dialogAction.subSlotToElicit.subSlotToElicit": "name",
    "activeContexts": "name",
    "activeContexts.timeToLive": "timeToLiveInSeconds turnsToLive",
    "runtimeHints": "",
}
_V2 = {
    "": "messageVersion message-version timestamp requestId sessionId inputMode operationName responseReason "
    "missedUtterance developerOverride bargeIn responseContentType invocationSource",
    "bot": "id name alias aliasId aliasName version localeId",
    "requestAttributes": " ".join(CHANNELS),
    **{f"sessionState.{at}".strip("."): names for at, names in _STATE.items()},
    **{f"proposedNextState.{at}".strip("."): names for at, names in _STATE.items()},
    "interpretations": "interpretationSource nluConfidence",
    "interpretations.intent": _INTENT,
    "interpretations.sentimentResponse": "sentiment",
    "interpretations.sentimentResponse.sentimentScore": "positive negative neutral mixed",
    "transcriptions": "transcriptionConfidence",
    "transcriptions.resolvedContext": "intent",
    "messages": "contentType",
    "audioProperties": "contentType s3Path",
    "audioProperties.duration": "total voice silence",
    "utteranceContext": "slotElicitationStyle",
    "utteranceContext.activeRuntimeHints": "",
    "dialogEventLogs.conditionalEvaluationResult": "",
    "dialogEventLogs": "dialogStepLabel dialogCodeHookInvocationLabel",
    "dialogEventLogs.nextStep.intent": _INTENT,
    "dialogEventLogs.nextStep.dialogAction": _ACTION,
}
_V1 = {
    "": "userId botName botAlias botVersion locale intent nluIntentConfidence inputDialogMode outputDialogMode "
    "dialogState slotToElicit s3PathForAudio",
    "currentIntent": _INTENT,
    "alternativeIntents": _INTENT,
    "dialogAction": _ACTION,
    "activeContexts": "name",
    "activeContexts.timeToLive": "timeToLiveInSeconds turnsToLive",
    "recentIntentSummaryView": "intentName checkpointLabel confirmationStatus dialogActionType fulfillmentState "
    "slotToElicit",
    "sentimentResponse": "sentimentLabel sentimentScore",
}
_ENVELOPE = {
    "": "messageType owner logGroup logStream",
    "logEvents": "id timestamp",
}


def _build_tree(tables: Iterable[Mapping[str, str]]) -> dict[str, KeptMembers | None]:
    """Merge tables into one tree; a table maps the dotted path of an object to its members that are kept."""
    root: dict[str, KeptMembers | None] = {}
    for table in tables:
        for path, names in table.items():
            node = root
            for name in filter(None, path.split(".")):
                node = node.setdefault(name, {})  # type: ignore[assignment] # no path leads through a kept member
            node |= dict.fromkeys(names.split())
    return root


ENTRY = _build_tree([_V2, _V1, _ENVELOPE])
"""Of an entry of either version, a code-hook event, or an envelope: they have no names in common."""

ENTRY["activeContexts"]["parameters"] = BOT_DEFINED  # type: ignore[index] # a V1 object of its own
ENTRY[MARKS] = BOT_DEFINED

LOG_EVENT = ENTRY["logEvents"]
"""Of a log event in an envelope, whose `message` is an entry."""

_DIGITS_AND_SIGNS = re.compile(r"[\d\s.,:+TWZ/-]{1,40}")
PLAUSIBLE = {
    "timestamp": _DIGITS_AND_SIGNS,
    "messageVersion": _DIGITS_AND_SIGNS,
    "message-version": _DIGITS_AND_SIGNS,
    "messageType": re.compile(r"(DATA|CONTROL)_MESSAGE"),
}
"""Form that some kept members must have in a dead letter: they may be why it is one, and then hold anything."""
