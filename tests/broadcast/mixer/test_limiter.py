"""The limiter: nothing above the ceiling, nothing heard of it below."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.mixer.limiter import Limiter
from broadcast.mixer.sound import BLOCK, RATE, Samples
from tests.broadcast.mixer.tones import babble, blocks, steepest, tone, true_peak

CEILING = 10 ** (-1.5 / 20)


def limited(samples: Samples, channels: int = 2) -> Samples:
    limiter = Limiter(-1.5, channels)
    return np.concatenate([limiter.process(block) for block in blocks(samples)], axis=1)


@given(st.lists(st.floats(0, 8), min_size=1, max_size=12), st.integers(0, 1000))
@settings(max_examples=60)
def test_no_sample_leaves_the_limiter_above_its_ceiling(levels: list[float], seed: int) -> None:
    """Noise of any level up to +18 dBFS."""
    random = np.random.default_rng(seed)
    limiter = Limiter(-1.5)
    for level in levels:
        block = (level * random.uniform(-1, 1, (2, BLOCK))).astype(np.float32)
        assert np.abs(limiter.process(block)).max() <= CEILING + 1e-6


@pytest.mark.parametrize("hertz", [997, 8000, 12000, 15123])
def test_no_true_peak_leaves_the_limiter_above_its_ceiling(hertz: float) -> None:
    """Tones whose peaks lie between the samples: 12 kHz by up to 3 dB above all of them."""
    at = np.arange(RATE) / RATE
    wave = 1.3 * np.sin(2 * np.pi * hertz * at + np.pi / 4)
    assert true_peak(limited(np.stack([wave, wave]).astype(np.float32))) <= -1.4


def test_loud_speech_stays_below_the_ceiling_between_its_samples_too() -> None:
    """A voice 20 dB too loud, in mono as in a return."""
    loud = babble(2.0, -3.0)
    assert true_peak(loud) > 6
    assert true_peak(limited(loud)) <= -1.4
    assert true_peak(limited(loud[:1], channels=1)) <= -1.4


def test_quiet_sound_passes_the_limiter_unchanged_5_ms_late() -> None:
    """Below the ceiling nothing is touched."""
    out = limited(tone(0, 4 * BLOCK))
    assert np.allclose(out[:, Limiter.DELAY :], tone(0, 4 * BLOCK - Limiter.DELAY), atol=1e-6)


def test_turning_down_does_not_click() -> None:
    """A tone that becomes three times too loud stays a tone."""
    loud = np.concatenate([tone(n * BLOCK, BLOCK, 3.0 if n > 5 else 0.5) for n in range(12)], axis=1)
    settled = limited(loud)[:, 7 * BLOCK :]
    assert steepest(settled) < CEILING * 2 * np.pi * 200 / RATE * 1.2
    assert 0.75 < np.abs(settled).max() <= CEILING + 1e-6
