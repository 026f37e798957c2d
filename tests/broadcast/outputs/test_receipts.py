"""What viewers tell of their packets, in messages that overlap and come in disorder."""

import random

from hypothesis import given
from hypothesis import strategies as st

from broadcast.outputs.receipts import REMEMBERED, Receipts
from broadcast.rtp.transport_cc import Arrivals


def told(first: int, *came: int, count: int) -> Arrivals:
    return Arrivals(first, count, tuple((number & 0xFFFF, number / 100) for number in came))


def test_what_is_told_twice_counts_once() -> None:
    """A message that begins with an old packet says the rest again."""
    receipts = Receipts()
    assert receipts.read(told(10, 10, 12, count=3)) == ([(10, 0.1), (12, 0.12)], 1)
    assert receipts.read(told(10, 10, 12, 13, count=4)) == ([(13, 0.13)], 0)


def test_what_was_only_late_is_not_lost() -> None:
    """A packet that a message left out and a later one has."""
    receipts = Receipts()
    assert receipts.read(told(10, 10, 12, count=3))[1] == 1
    assert receipts.read(told(11, 11, 12, count=2)) == ([(11, 0.11)], -1)
    assert receipts.read(told(11, 11, 12, count=2)) == ([], 0)


@given(st.integers(0, 0xFFFF), st.integers(0, 1000), st.floats(0, 0.3))
def test_each_packet_is_told_once_whatever_the_messages(start: int, seed: int, loss: float) -> None:
    """Over the wrap of the numbers, in messages that reach back: as many are lost as did not come."""
    dice, receipts = random.Random(seed), Receipts()
    there = {number for number in range(400) if dice.random() >= loss}
    came: list[int] = []
    lost = end = 0
    while end < 400:
        begin, end = max(0, end - dice.randrange(30)), min(400, end + dice.randrange(1, 30))
        some = tuple(((start + n) & 0xFFFF, n / 100) for n in range(begin, end) if n in there)
        found, more = receipts.read(Arrivals((start + begin) & 0xFFFF, end - begin, some))
        came += [number for number, _ in found]
        lost += more
    assert sorted((number - start) & 0xFFFF for number in came) == sorted(there)
    assert lost == 400 - len(there)


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(1, 4096), st.booleans()), max_size=12))
def test_its_memory_is_bounded(messages: list[tuple[int, int, bool]]) -> None:
    """Whatever is told: no packet comes twice in a message, and what is remembered stays small."""
    receipts = Receipts()
    for first, count, all_came in messages:
        some = tuple(((first + n) & 0xFFFF, 0.0) for n in range(count if all_came else 0))
        found, _ = receipts.read(Arrivals(first, count, some))
        assert len({number for number, _ in found}) == len(found)
        assert len(receipts._lost) <= REMEMBERED
