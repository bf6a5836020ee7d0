"""Which members of log entries, and of envelopes of them, say what they are, whose and when: these are kept."""

import re
from collections.abc import Iterable, Mapping

from schemas.lex.log_entry import CHANNELS

KeptMembers = Mapping[str, "KeptMembers | None"]
"""Name of a member -> None where a text or a number in it is kept, else the places in the object in it.

Lists on the way do not count: what holds for an object holds for each in a list.
"""

FREE: KeptMembers = {}
"""In an object whose members bots name, such as slots: what is in it is hidden by what it is a member of."""

NOWHERE: KeptMembers = {}
"""In an object that nobody knows."""

SCORED: KeptMembers = {"score": None}
"""In an object that stands for a number."""

MARKS = "turnfoldRedacted"
"""The member that says what was redacted."""
SIZE = "bytes"
"""The member that says how many there were, in what stands for an input that is not kept."""

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


def _places(tables: Iterable[Mapping[str, str]]) -> dict[str, KeptMembers | None]:
    """One tree of tables: way to an object, its names separated by dots -> those of its members that are kept."""
    root: dict[str, KeptMembers | None] = {}
    for table in tables:
        for way, names in table.items():
            at = root
            for name in filter(None, way.split(".")):
                at = at.setdefault(name, {})  # type: ignore[assignment] # no way leads through a member that is kept
            at |= dict.fromkeys(names.split())
    return root


ENTRY = _places([_V2, _V1, _ENVELOPE])
"""Of an entry of either version, of a code-hook event, or of an envelope: they have no name in common."""

ENTRY["activeContexts"]["parameters"] = FREE  # type: ignore[index] # an object of its own, which V1 has there
ENTRY[MARKS] = FREE

LOG_EVENT = ENTRY["logEvents"]
"""Of a line in an envelope, whose `message` is an entry."""

_FIGURES = re.compile(r"[\d\s.,:+TWZ/-]{1,40}")
PLAUSIBLE = {
    "timestamp": _FIGURES,
    "messageVersion": _FIGURES,
    "message-version": _FIGURES,
    "messageType": re.compile(r"(DATA|CONTROL)_MESSAGE"),
}
"""What some of these have to be to be kept in a dead letter: they may be what it is dead for, and then anything."""
