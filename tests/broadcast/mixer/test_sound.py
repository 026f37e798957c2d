"""Timelines, reading in step, the limiter and the mix: no clicks, no sample too loud."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.mixdown import RAMP, Mixdown
from broadcast.mixer.sound import BLOCK, RATE, Limiter, Reader, Samples, Timeline

CEILING = 10 ** (-1.5 / 20)


def tone(start: int, count: int, level: float = 0.5, hertz: float = 200.0) -> Samples:
    wave = level * np.sin(2 * np.pi * hertz * np.arange(start, start + count) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def steepest(samples: Samples) -> float:
    """The largest step from one sample to the next: a click is a step that no tone makes."""
    return float(np.abs(np.diff(samples[0])).max())


TONE_STEP = 0.5 * 2 * np.pi * 200 / RATE


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
    assert steepest(np.concatenate(out, axis=1)) < 2.5 * TONE_STEP


def test_a_packet_that_comes_when_its_start_was_played_does_not_click() -> None:
    """Half of the packet's time is over: the rest is faded in."""
    timeline = Timeline()
    timeline.write(0, tone(0, BLOCK))
    out = [timeline.read(0, BLOCK + 400)]
    timeline.write(BLOCK, tone(BLOCK, BLOCK))
    out.append(timeline.read(BLOCK + 400, BLOCK - 400))
    assert steepest(np.concatenate(out, axis=1)) < 2.5 * TONE_STEP


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
    assert steepest(samples) < 1.2 * TONE_STEP
    assert reader.jumps == 0


def test_a_large_error_is_jumped_with_a_fade() -> None:
    """Beyond 60 ms the reader jumps, and the seam has no step."""
    samples, reader = played([0] * 5 + [4801] * 20)
    assert reader.jumps == 1
    assert steepest(samples) < 2.5 * TONE_STEP


@given(st.lists(st.floats(0, 8), min_size=1, max_size=12), st.integers(0, 1000))
@settings(max_examples=60)
def test_no_sample_leaves_the_limiter_above_its_ceiling(levels: list[float], seed: int) -> None:
    """Noise of any level up to +18 dBFS."""
    random = np.random.default_rng(seed)
    limiter = Limiter(-1.5)
    for level in levels:
        block = (level * random.uniform(-1, 1, (2, BLOCK))).astype(np.float32)
        assert np.abs(limiter.process(block)).max() <= CEILING + 1e-6


def test_quiet_sound_passes_the_limiter_unchanged_5_ms_late() -> None:
    """Below the ceiling nothing is touched."""
    limiter = Limiter(-1.5)
    out = np.concatenate([limiter.process(tone(n * BLOCK, BLOCK)) for n in range(4)], axis=1)
    assert np.allclose(out[:, Limiter.DELAY :], tone(0, 4 * BLOCK - Limiter.DELAY), atol=1e-6)


def test_turning_down_does_not_click() -> None:
    """A tone that becomes three times too loud stays a tone."""
    limiter = Limiter(-1.5)
    loud = [tone(n * BLOCK, BLOCK, 3.0 if n > 5 else 0.5) for n in range(12)]
    out = np.concatenate([limiter.process(block) for block in loud], axis=1)
    settled = out[:, 7 * BLOCK :]
    assert steepest(settled) < CEILING * 2 * np.pi * 200 / RATE * 1.2
    assert 0.75 < np.abs(settled).max() <= CEILING + 1e-6


class Speaker:
    """Plays a constant, so that the ramp itself is what comes out."""

    def __init__(self, value: float) -> None:
        self.value = value
        self.rested = 0

    def block(self, now: float, lead: float) -> Samples:
        return np.full((2, BLOCK), self.value, np.float32)

    def rest(self) -> None:
        self.rested += 1


def test_a_cut_is_a_ramp_of_ten_milliseconds() -> None:
    """From one speaker to the other without a step, and nobody else is heard."""
    mixdown = Mixdown(-1.5)
    sources = {"a": Speaker(0.5), "b": Speaker(-0.5), "c": Speaker(9.0)}
    out = [mixdown.block(0.0, sources, {"a": 1.0}, RAMP) for _ in range(3)]  # type: ignore[arg-type]
    out += [mixdown.block(0.0, sources, {"b": 1.0}, RAMP) for _ in range(3)]  # type: ignore[arg-type]
    samples = np.concatenate(out, axis=1)
    assert steepest(samples) <= 1.0 / 480 + 1e-6
    assert samples[0, 2 * BLOCK] == pytest.approx(0.5)
    assert samples[0, -1] == pytest.approx(-0.5)
    assert sources["c"].rested == 6
