"""Signed requests that were let in, in; whether the same one comes a second time, out."""

import hashlib
from collections import defaultdict

from pipeline.access.asked import Asked
from pipeline.access.signature import SKEW_MS, Signature

SLOT_MS = 10_000
MOST = 1_000_000
"""Requests that are remembered: 100 MB, and more than a server answers in the ten minutes that they count."""

RETRIES = ("amz-sdk-invocation-id", "amz-sdk-request")
"""What AWS's SDKs write to tell one call, and one attempt of it, from another that has the same signature.

A signature's time is in whole seconds, so two equal calls within one, or a second attempt, have the same. botocore
does not sign these headers: who can change a captured request may change them. That only a captured request is
refused, not a changed one, is all that can be had without refusing honest clients.
"""


class Seen:
    """The requests of the last minutes."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._slots: defaultdict[int, set[bytes]] = defaultdict(set)

    def again(self, asked: Asked, shown: Signature, now: int) -> bool:
        """Whether this very request was here before; it is from now on. `now` is in ms."""
        self._forget(now)
        mark = hashlib.sha256("\n".join([shown.signature, *(asked.one(n) or "" for n in RETRIES)]).encode()).digest()[
            :16
        ]
        if any(mark in slot for slot in self._slots.values()):
            return True
        if sum(map(len, self._slots.values())) < self._most:
            self._slots[now // SLOT_MS].add(mark)
        return False

    def _forget(self, now: int) -> None:
        """What is too old to be let in anyway: signed ahead of our clock, it counts for twice the skew."""
        for slot in [slot for slot in self._slots if slot < (now - 2 * SKEW_MS) // SLOT_MS]:
            del self._slots[slot]
