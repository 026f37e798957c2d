"""Timelines and reading in step: no clicks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.sound import BLOCK, Reader, Samples, Timeline
from tests.broadcast.mixer.tones import STEP, steepest, tone


def test_packets_in_a_row_are_played_as_they_are() -> None:
    """Contiguous packets come out sample by sample, after a first fade-in."""
    timeline = Timeline()
    for n in range(5):
        timeline.write(n * BLOCK, tone(n * BLOCK, BLOCK))
    assert np.allclose(timeline.read(BLOCK, 3 * BLOCK), tone(BLOCK, 3 * BLOCK), atol=1e-6)


@pytest.mark.parametrize("lost", [{3}, {3, 4, 5}, {2, 4, 6}, set(range(3, 30))])
def test_gaps_do_not_click(lost: set[int]) -> None:
    """Lost packets leave a fade-out and a fade-in, never a step."""
    timeline = Timeline()
    out = []
    for n in range(40):
        if n not in lost:
            timeline.write(n * BLOCK, tone(n * BLOCK, BLOCK))
        if n >= 1:
            out.append(timeline.read((n - 1) * BLOCK, BLOCK))
    assert steepest(np.concatenate(out, axis=1)) < 2.5 * STEP


def test_a_packet_that_comes_when_its_start_was_played_does_not_click() -> None:
    """Half of the packet's time is over: the rest is faded in."""
    timeline = Timeline()
    timeline.write(0, tone(0, BLOCK))
    out = [timeline.read(0, BLOCK + 400)]
    timeline.write(BLOCK, tone(BLOCK, BLOCK))
    out.append(timeline.read(BLOCK + 400, BLOCK - 400))
    assert steepest(np.concatenate(out, axis=1)) < 2.5 * STEP


@given(st.lists(st.tuples(st.integers(-(10**9), 10**9), st.integers(0, 6000)), max_size=30))
@settings(max_examples=50)
def test_any_timestamps_are_survived(packets: list[tuple[int, int]]) -> None:
    """Jumps, repetitions, empty packets: reading anywhere gives as many samples as asked for, all finite."""
    timeline = Timeline()
    for timestamp, count in packets:
        timeline.write(timestamp, np.ones((2, count), np.float32))
        found = timeline.read(timestamp - 100, BLOCK)
        assert found.shape == (2, BLOCK)
        assert np.isfinite(found).all()


def played(errors: list[int]) -> tuple[Samples, Reader]:
    timeline = Timeline()
    reader = Reader(timeline)
    written, out = 0, []
    for n, error in enumerate(errors):
        while written < (n + 8) * BLOCK:
            timeline.write(written, tone(written, BLOCK))
            written += BLOCK
        out.append(reader.block(n * BLOCK + error))
    return np.concatenate(out[1:], axis=1), reader


def test_a_small_error_is_stretched_away() -> None:
    """20 ms too late: taken back by 1 % without a step and without a jump."""
    samples, reader = played([0] * 5 + [960] * 150)
    assert steepest(samples) < 1.2 * STEP
    assert reader.jumps == 0


def test_a_large_error_is_jumped_with_a_fade() -> None:
    """Beyond 60 ms the reader jumps, and the seam has no step."""
    samples, reader = played([0] * 5 + [4801] * 20)
    assert reader.jumps == 1
    assert steepest(samples) < 2.5 * STEP
