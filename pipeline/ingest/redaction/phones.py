"""Recognise phone numbers of a country among digits by its numbering plan, in limited time for each."""

import re
from collections.abc import Container, Iterator
from functools import lru_cache
from typing import Any

from phonenumbers import COUNTRY_CODE_TO_REGION_CODE, PhoneMetadata

SIZES = range(7, 16)
"""Digits that a phone number has."""

KINDS = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager",
         "uan", "voicemail")  # fmt: skip
FIRST_ONLY = re.compile(r"\(?\\1\)?")
"""Format of a number without its prefix."""

CACHED_NUMBERS = 10_000
"""Digits whose result is cached: those of one text come in many groupings, those of one service recur."""


class Phones:
    """The phone numbers of `region`, as they are dialled there."""

    def __init__(self, region: str) -> None:
        plan: Any = PhoneMetadata.metadata_for_region(region)
        self._plan = _Plan(plan) if plan else None  # an unknown country has no numbers
        self._is_number = lru_cache(CACHED_NUMBERS)(self._plan.is_number) if self._plan else None

    def __contains__(self, digits: str) -> bool:
        """Return whether `digits` are a number, with the national or international prefix if it takes one."""
        return self.end(digits, 0, frozenset((len(digits),)), len(digits)) == len(digits)

    def end(self, digits: str, begin: int, ends: Container[int], limit: int) -> int:
        """Return the last of `ends`, up to `limit`, where a number ends that begins at `begin`; 0 if there is none."""
        if self._plan is None or self._is_number is None:
            return 0
        if international := self._plan.international_prefix.match(digits, begin):
            begin_national = international.end()
            for end in range(min(begin_national + SIZES.stop - 1, limit), begin_national + SIZES.start - 1, -1):
                if end in ends:
                    return end
        for size in self._plan.sizes:
            if begin + size <= limit and begin + size in ends and self._is_number(digits[begin : begin + size]):
                return begin + size
        return 0


class _Plan:
    """The numbering plan of one country."""

    def __init__(self, plan: Any) -> None:
        self._country = str(plan.country_code)
        self.international_prefix = re.compile(f"(?:{plan.international_prefix or '(?!)'})(?=[1-9])")
        prefix = plan.national_prefix_for_parsing or plan.national_prefix or "(?!)"
        self._prefix, self._transform = re.compile(prefix), plan.national_prefix_transform_rule
        plans = [PhoneMetadata.metadata_for_region(region) for region in COUNTRY_CODE_TO_REGION_CODE[plan.country_code]]
        self._numbers = re.compile("|".join(dict.fromkeys(_number_patterns([known for known in plans if known]))))
        self._formats = tuple(
            (re.compile((form.leading_digits_pattern or [""])[-1]), re.compile(form.pattern), _needs_prefix(form))
            for form in plan.number_format
        )
        longest = max(plan.general_desc.possible_length)
        shortest = min(size for size in plan.general_desc.possible_length if size >= SIZES.start - 1)
        ahead = max(len(self._country), 1 if plan.national_prefix else 0, 2 if self._transform else 0)
        # digits of a number without an international prefix, the most first
        self.sizes = tuple(range(min(longest + ahead, SIZES.stop - 1), max(shortest, SIZES.start) - 1, -1))

    def is_number(self, digits: str) -> bool:
        if self._numbers.fullmatch(digits) and not self._lacks_prefix(digits):
            return True
        if digits.startswith(self._country) and self._numbers.fullmatch(digits[len(self._country) :]):
            return True
        prefix = self._prefix.match(digits)
        return prefix is not None and self._numbers.fullmatch(self._national(prefix, digits)) is not None

    def _national(self, prefix: re.Match[str], digits: str) -> str:
        rest = digits[prefix.end() :]
        if self._transform and prefix.lastindex and prefix[prefix.lastindex]:
            return prefix.expand(self._transform) + rest
        return rest

    def _lacks_prefix(self, digits: str) -> bool:
        for beginning, pattern, needs_prefix in self._formats:
            if beginning.match(digits) and pattern.fullmatch(digits):
                return needs_prefix
        return False


def _number_patterns(plans: list[Any]) -> Iterator[str]:
    """Yield a pattern for the numbers of each region."""
    for plan in plans:
        kinds = (getattr(plan, kind) for kind in KINDS)
        known = "|".join(
            dict.fromkeys(kind.national_number_pattern for kind in kinds if kind and kind.national_number_pattern)
        )
        if known:
            yield f"(?=(?:{plan.general_desc.national_number_pattern})$)(?:{known})"


def _needs_prefix(form: Any) -> bool:
    """Return whether a number of this format is always written with its prefix in the country."""
    rule = form.national_prefix_formatting_rule
    return bool(rule) and not form.national_prefix_optional_when_formatting and not FIRST_ONLY.fullmatch(rule)
