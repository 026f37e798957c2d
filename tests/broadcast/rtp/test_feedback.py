"""Reception statistics, keyframe requests and the rate's ceiling."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcast.rtp.feedback import KEYFRAME_MOST, Ceiling, KeyframeRequests, Reception
from broadcast.rtp.history import History
from broadcast.rtp.rtcp import to_ntp


def test_loss_is_that_of_the_last_interval() -> None:
    """Each block counts what was lost since the one before; the sum goes on."""
    reception = Reception(7, 90000)
    for number in range(100):
        if number % 4:
            reception.received((65500 + number) & 0xFFFF, number * 3000, number / 30)
    block = reception.block(4.0)
    assert block.fraction == pytest.approx(256 * 24 / 99, abs=2)
    assert (block.lost, block.highest) == (24, 65500 + 99)
    for number in range(100, 200):
        reception.received((65500 + number) & 0xFFFF, number * 3000, number / 30)
    block = reception.block(7.0)
    assert (block.fraction, block.lost) == (0, 24)
    assert reception.loss == 0.0


def test_a_calm_line_has_no_jitter_and_a_shaky_one_has() -> None:
    """Jitter is in ticks, smoothed over sixteen packets."""
    calm, shaky = Reception(1, 90000), Reception(2, 90000)
    for number in range(200):
        calm.received(number, number * 3000, number / 30)
        shaky.received(number, number * 3000, number / 30 + 0.01 * (number % 2))
    assert calm.jitter < 1
    assert shaky.jitter == pytest.approx(900, rel=0.1)


def test_reports_are_echoed() -> None:
    """A block names the last sender report and how long ago it came."""
    reception = Reception(1, 90000)
    assert reception.block(5.0).last_report == 0
    reception.sender_report(to_ntp(100.0), 10.0)
    block = reception.block(10.5)
    assert block.last_report == to_ntp(100.0) >> 16 & 0xFFFFFFFF
    assert block.delay == 32768


def test_no_keyframe_is_asked_for_unless_wanted() -> None:
    """Nobody wants one: nothing is sent. One came: nothing more is sent."""
    requests = KeyframeRequests()
    assert not requests.due(0.0, 0.1)
    requests.want()
    assert requests.due(1.0, 0.1)
    requests.arrived()
    assert not requests.due(100.0, 0.1)


@given(st.floats(0.001, 0.5))
def test_a_deaf_sender_is_not_flooded(round_trip: float) -> None:
    """A keyframe that never comes is asked for less and less often, but never given up."""
    requests = KeyframeRequests()
    sent = []
    for tick in range(3000):
        requests.want()
        if requests.due(tick / 50, round_trip):
            sent.append(tick / 50)
    gaps = [after - before for before, after in itertools.pairwise(sent)]
    assert min(gaps) >= max(0.3, 1.5 * round_trip) - 0.02
    assert max(gaps) <= KEYFRAME_MOST + 0.05
    assert len(sent) <= 30


def test_ceiling_falls_with_heavy_loss_and_recovers() -> None:
    """Some loss changes nothing, much loss lowers the rate, none raises it, within the bounds."""
    ceiling = Ceiling(4_000_000)
    assert ceiling.update(0.05, 1.0) == 4_000_000
    assert ceiling.update(0.2, 1.0) == 3_600_000
    assert 3_600_000 < ceiling.update(0.0, 1.0) < 4_000_000
    for _ in range(200):
        ceiling.update(1.0, 1.0)
    assert ceiling.bitrate == 150_000
    for _ in range(200):
        ceiling.update(0.0, 1.0)
    assert ceiling.bitrate == 4_000_000


@given(st.integers(0, 0xFFFF), st.integers(1, 200))
def test_history_keeps_the_newest(first: int, count: int) -> None:
    """The last `size` items are there, over the wrap, and older ones are not taken for them."""
    history: History[int] = History(64)
    for index in range(count):
        history.put((first + index) & 0xFFFF, index)
    for index in range(count):
        kept = history.get((first + index) & 0xFFFF)
        assert kept == (index if index >= count - 64 else None)
    assert history.get((first + count) & 0xFFFF) is None
