"""Timelines: what came is in its place, and what did not is told."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.sound import BLOCK, Timeline
from tests.broadcast.mixer.tones import tone


def test_packets_in_a_row_are_played_as_they_are() -> None:
    """Contiguous packets come out sample by sample, and all of them came."""
    timeline = Timeline()
    for n in range(5):
        timeline.write(n * BLOCK, tone(n * BLOCK, BLOCK))
    samples, there = timeline.read(0, 5 * BLOCK)
    assert there.all()
    assert np.array_equal(samples, np.concatenate([tone(n * BLOCK, BLOCK) for n in range(5)], axis=1))


def test_what_did_not_come_is_told() -> None:
    """A lost packet and the time after the last one are holes; a packet that comes late closes its own."""
    timeline = Timeline()
    for n in (0, 2):
        timeline.write(n * BLOCK, tone(n * BLOCK, BLOCK))
    assert [there.all() for there in np.split(timeline.read(0, BLOCK)[1], 4)] == [True] * 4
    timeline.write(BLOCK, tone(BLOCK, BLOCK))
    samples, there = timeline.read(BLOCK, 3 * BLOCK)
    assert there.tolist() == [True] * 2 * BLOCK + [False] * BLOCK
    assert np.allclose(samples[:, : 2 * BLOCK], tone(BLOCK, 2 * BLOCK), atol=1e-6)


def test_a_packet_that_comes_too_late_is_kept() -> None:
    """Who goes back finds it."""
    timeline = Timeline()
    timeline.write(0, tone(0, BLOCK))
    timeline.read(0, 3 * BLOCK)
    timeline.write(BLOCK, tone(BLOCK, BLOCK))
    samples, there = timeline.read(BLOCK, BLOCK)
    assert there.all()
    assert np.allclose(samples, tone(BLOCK, BLOCK), atol=1e-6)


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 6000)), max_size=30))
@settings(max_examples=50)
def test_any_timestamps_are_survived(packets: list[tuple[int, int]]) -> None:
    """Jumps, repetitions, empty packets: reading anywhere gives as many samples as asked for, all finite."""
    timeline = Timeline()
    for timestamp, count in packets:
        timeline.write(timestamp, np.ones((2, count), np.float32))
        samples, there = timeline.read(timestamp - 100, BLOCK)
        assert samples.shape == (2, BLOCK)
        assert there.shape == (BLOCK,)
        assert set(np.unique(samples)) <= {0.0, 1.0}
