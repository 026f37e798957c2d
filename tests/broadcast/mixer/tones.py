"""Sound for the mixer's tests: tones, noise, and what is wrong with them."""

import numpy as np

from broadcast.mixer.sound import BLOCK, RATE, Samples

STEP = 0.5 * 2 * np.pi * 200 / RATE  # the largest step in `tone` as it comes


def tone(start: int, count: int, level: float = 0.5, hertz: float = 200.0) -> Samples:
    """A sine in both channels, from sample `start` on."""
    wave = level * np.sin(2 * np.pi * hertz * np.arange(start, start + count) / RATE)
    return np.stack([wave, wave]).astype(np.float32)


def babble(seconds: float, decibels: float, seed: int = 0) -> Samples:
    """Something like speech: noise of a voice's band in syllables, with a pause in each two seconds. Its
    loudness is about `decibels` LUFS."""
    random = np.random.default_rng(seed)
    count = round(seconds * RATE)
    spectrum = np.fft.rfft(random.standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1 / RATE)
    spectrum *= (hertz > 150) & (hertz < 4000)
    spectrum /= np.maximum(hertz, 500)
    wave = np.fft.irfft(spectrum, count)
    at = np.arange(count) / RATE
    wave *= np.where(at % 2 < 1.4, 0.55 + 0.45 * np.sin(2 * np.pi * 4 * at), 0.001)
    wave *= 10 ** ((decibels - 2.5) / 20) / np.sqrt(np.square(wave).mean())
    return np.stack([wave, wave]).astype(np.float32)


def blocks(samples: Samples) -> list[Samples]:
    """Cut in blocks of 20 ms; what is left at the end is left out."""
    return [samples[:, n : n + BLOCK] for n in range(0, samples.shape[1] - BLOCK + 1, BLOCK)]


def steepest(samples: Samples) -> float:
    """The largest step from one sample to the next: a click is a step that no tone makes."""
    return float(np.abs(np.diff(samples[0])).max())


def true_peak(samples: Samples) -> float:
    """The peak of the curve through the samples in dBFS, 16 times oversampled; the ends are left out."""
    count = samples.shape[1]
    curve = np.fft.irfft(np.fft.rfft(samples, axis=1), 16 * count, axis=1) * 16
    edge = 16 * min(count // 8, RATE // 10)
    return float(20 * np.log10(np.abs(curve[:, edge:-edge]).max()))
