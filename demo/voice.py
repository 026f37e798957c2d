"""A voice without words: syllables of a sung vowel, in phrases with pauses, that loop without a seam.

Pure numpy. `RATE` samples a second, mono, floats of -1 to 1.
"""

import numpy as np
from numpy.typing import NDArray

RATE = 48000
SYLLABLE = 0.2  # seconds
# First and second formant in Hz: a, e, i, o, u.
VOWELS = ((730, 1090), (530, 1840), (270, 2290), (570, 840), (300, 870))
PEAK = 0.32  # leaves the mixer's limiter nothing to do

Samples = NDArray[np.float32]


def speak(pitch: float, seconds: float, seed: int) -> Samples:
    """A looping voice of `pitch` Hz, `seconds` long (a multiple of `SYLLABLE`); a seed is a speech."""
    rng = np.random.default_rng(seed)
    count = round(seconds / SYLLABLE)
    size = round(SYLLABLE * RATE)
    envelope = np.hanning(size) ** 0.7
    # A phase that returns to a whole number of turns at the end: the loop has no click.
    turns = round(pitch * seconds)
    glide = 1 + 0.03 * np.sin(2 * np.pi * np.arange(count * size) / (count * size) * 5)
    phase = np.cumsum(glide)
    phase *= 2 * np.pi * turns / phase[-1]
    voice = np.zeros(count * size)
    for number in range(count):
        if number % 10 >= 8:  # a breath after eight syllables
            continue
        part = slice(number * size, (number + 1) * size)
        vowel = VOWELS[rng.integers(len(VOWELS))]
        voice[part] = _vowel(phase[part], pitch, vowel) * envelope * rng.uniform(0.6, 1.0)
    spoken: Samples = (voice * PEAK / np.max(np.abs(voice))).astype(np.float32)
    return spoken


def loudness(voice: Samples, fps: int) -> NDArray[np.float32]:
    """How loud the voice is during each picture, 0 to 1, for the pictures to move with."""
    size = RATE // fps
    frames = voice[: len(voice) // size * size].reshape(-1, size)
    level = np.sqrt(np.mean(frames**2, axis=1))
    relative: Samples = (level / max(float(level.max()), 1e-6)).astype(np.float32)
    return relative


def _vowel(phase: NDArray[np.float64], pitch: float, formants: tuple[int, int]) -> NDArray[np.float64]:
    sound = np.zeros_like(phase)
    for harmonic in range(1, min(24, int(3400 / pitch)) + 1):
        frequency = harmonic * pitch
        gain = sum(np.exp(-(((frequency - formant) / 220) ** 2)) for formant in formants) + 0.06
        sound += gain / harmonic**0.4 * np.sin(harmonic * phase)
    return sound
