"""Order, requests and giving up."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.rtp.reorder import GRACE, MOST_MISSING, MOST_REQUESTS, Reorder
from tests.support.rtp import network


def released(found: list[tuple[int, bool]]) -> list[int]:
    return [item for item, _ in found]


@given(st.integers(0, 2**32), st.integers(0, 0xFFFF), st.integers(0, 30))
def test_shuffled_and_doubled_comes_out_in_order(seed: int, first: int, reach: int) -> None:
    """Without loss, whatever is late or double, every packet comes out once and in order, none lost."""
    buffer: Reorder[int] = Reorder(patience=1.0)
    out: list[int] = released(buffer.push(first, 0, 0.0))
    for place, number in enumerate(network(range(1, 200), seed, twice=0.1, reach=reach)):
        for item, lost in buffer.push((first + number) & 0xFFFF, number, place * 0.001):
            out.append(item)
            assert not lost
    assert out == list(range(200))
    assert buffer.lost == 0
    assert buffer.due() is None


@given(st.integers(0, 2**32), st.integers(0, 8), st.floats(0, 0.3))
def test_losses_are_told_where_they_are(seed: int, reach: int, loss: float) -> None:
    """Under loss the rest comes out in order, and exactly the packets behind a hole are marked."""
    buffer: Reorder[int] = Reorder(patience=0.05, nack=False)
    found = buffer.push(0, 0, 0.0)
    for place, number in enumerate(network(range(1, 300), seed, loss=loss, twice=0.05, reach=reach), 1):
        found += buffer.push(number, number, place * 0.01)
        found += buffer.poll(place * 0.01)
    found += buffer.poll(1000.0)
    out = released(found)
    assert out == sorted(set(out))
    for (before, _), (item, lost) in itertools.pairwise(found):
        assert lost is (item != before + 1)


def test_in_order_goes_through_at_once() -> None:
    """A packet in its turn is never held."""
    buffer: Reorder[str] = Reorder()
    assert buffer.push(65535, "a", 0.0) == [("a", False)]
    assert buffer.push(0, "b", 0.0) == [("b", False)]
    assert buffer.due() is None


def test_a_missing_packet_is_asked_for_after_a_moment_and_again() -> None:
    """The first request waits for a late packet; the next ones leave the answer a round trip."""
    buffer: Reorder[int] = Reorder(patience=1.0)
    buffer.round_trip = 0.1
    buffer.push(10, 10, 0.0)
    assert buffer.push(13, 13, 0.0) == []
    assert buffer.requests(0.0) == []
    assert buffer.due() == GRACE
    assert buffer.requests(GRACE) == [11, 12]
    assert buffer.requests(0.1) == []
    assert buffer.requests(GRACE + 0.125) == [11, 12]
    assert released(buffer.push(11, 11, 0.2)) == [11]
    assert released(buffer.push(12, 12, 0.2)) == [12, 13]
    assert buffer.recovered == 2
    assert buffer.due() is None


def test_patience_ends() -> None:
    """What does not come is given up, and what waited behind it is free, marked once."""
    buffer: Reorder[int] = Reorder(patience=0.1)
    buffer.push(1, 1, 0.0)
    buffer.push(3, 3, 0.0)
    buffer.push(4, 4, 0.0)
    assert buffer.poll(0.099) == []
    assert buffer.poll(0.1) == [(3, True), (4, False)]
    assert buffer.lost == 1
    assert buffer.push(2, 2, 0.2) == []
    assert buffer.late == 1


def test_requests_end() -> None:
    """A packet that never comes is asked for a limited number of times."""
    buffer: Reorder[int] = Reorder(patience=1e9)
    buffer.push(1, 1, 0.0)
    buffer.push(3, 3, 0.0)
    assert sum(len(buffer.requests(float(second))) for second in range(100)) == MOST_REQUESTS


def test_a_great_hole_is_not_waited_for() -> None:
    """With very much missing, a keyframe is cheaper than all those packets: nothing is asked or awaited."""
    buffer: Reorder[int] = Reorder(patience=1.0)
    buffer.push(0, 0, 0.0)
    buffer.push(MOST_MISSING + 2, 1, 0.0)
    assert buffer.requests(0.5) == []
    assert buffer.poll(0.0) == [(1, True)]


def test_one_stray_is_dropped_two_are_a_new_start() -> None:
    """A single packet from far away is dropped; a second one next to it means that the sender began anew."""
    buffer: Reorder[str] = Reorder()
    buffer.push(100, "a", 0.0)
    assert buffer.push(30000, "stray", 0.0) == []
    assert buffer.push(101, "b", 0.0) == [("b", False)]
    assert buffer.push(40000, "stray", 0.0) == []
    assert buffer.push(40001, "c", 0.0) == [("c", True)]
    assert buffer.push(40002, "d", 0.0) == [("d", False)]


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.floats(0, 0.5)), max_size=300))
@settings(max_examples=50)
def test_any_numbers_stay_bounded(found: list[tuple[int, float]]) -> None:
    """Whatever numbers come, each item leaves at most once, and memory and requests stay bounded."""
    buffer: Reorder[int] = Reorder(limit=64)
    now, out = 0.0, []
    for item, (sequence, wait) in enumerate(found):
        now += wait
        out += released(buffer.push(sequence, item, now)) + released(buffer.poll(now))
        assert len(buffer.requests(now)) <= 64
    assert len(out) == len(set(out))
