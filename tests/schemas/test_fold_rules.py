"""Rules of the fold compare equal exactly if they fold alike."""

from schemas.fold_rules import FOLD_VERSION, FoldRules


def test_rules_differ_by_their_intents_and_by_the_version_of_the_fold() -> None:
    rules = FoldRules(frozenset({"a", "b"}))
    assert rules == FoldRules(frozenset({"b", "a"}))
    assert rules != FoldRules(frozenset({"a"}))
    assert rules != FoldRules(rules.fallback_intents, FOLD_VERSION + 1)
