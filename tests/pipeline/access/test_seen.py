"""A request that was let in is not let in a second time, for as long as its signature would count."""

from pipeline.access.asked import Asked
from pipeline.access.seen import SLOT_MS, Seen
from pipeline.access.signature import SKEW_MS, Signature, read_signature
from tests.pipeline.access.signing import NOW, signed


def shown(asked: Asked) -> Signature:
    return read_signature(asked.one("authorization") or "")


def attempt(asked: Asked, number: int, call: str = "call-1") -> Asked:
    told = [("amz-sdk-invocation-id", call), ("amz-sdk-request", f"attempt={number}; max=3")]
    return Asked(asked.method, asked.target, [*asked.headers, *told], asked.body)


def test_the_same_request_is_known_again_and_another_is_not() -> None:
    seen, one, other = Seen(), signed("TFKA", "s", NOW), signed("TFKA", "s", NOW, body=b"{}")
    assert [seen.again(asked, shown(asked), NOW) for asked in (one, other, one, other)] == [False, False, True, True]


def test_a_second_attempt_and_a_second_call_of_the_same_second_are_not_the_same() -> None:
    seen, asked = Seen(), signed("TFKA", "s", NOW)
    honest = [attempt(asked, 1), attempt(asked, 2), attempt(asked, 1, "call-2")]
    assert [seen.again(one, shown(one), NOW) for one in honest] == [False, False, False]
    assert [seen.again(one, shown(one), NOW) for one in honest] == [True, True, True]


def test_it_is_known_until_its_time_is_over_wherever_its_clock_stood() -> None:
    """Signed by a clock that is ahead, a request counts for twice the skew."""
    seen, asked = Seen(), signed("TFKA", "s", NOW + SKEW_MS)
    assert not seen.again(asked, shown(asked), NOW)
    assert seen.again(asked, shown(asked), NOW + 2 * SKEW_MS)
    assert not seen.again(asked, shown(asked), NOW + 2 * SKEW_MS + 2 * SLOT_MS)


def test_no_more_are_remembered_than_there_is_room_for() -> None:
    seen = Seen(most=1)
    first, second = signed("TFKA", "s", NOW), signed("TFKA", "s", NOW, body=b"{}")
    assert not seen.again(first, shown(first), NOW)
    assert not seen.again(second, shown(second), NOW)
    assert seen.again(first, shown(first), NOW)
    assert not seen.again(second, shown(second), NOW)
