"""(P) How loud a voice is, and by how much it is turned up or down for it.

Loudness is measured as ITU-R BS.1770-4 says: K-weighted power in blocks of 400 ms, one each 100 ms, gated.
Levels are in LUFS, gains in dB.
"""

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from broadcast.mixer.sound import RATE, Samples

STEP = RATE // 10  # samples from one block to the next
STEPS = 4  # of a block
TAIL = 1200  # samples after which the weighting filter has died away (by 55 dB)
OFFSET = -0.691  # LU: makes a 1 kHz sine of 0 dBFS in one channel -3.01 LUFS
SILENT = 1e-4  # peak of a step that is not worth weighing, -80 dBFS

# The two stages of the K-weighting at 48 kHz (BS.1770-4, tables 1 and 2): (b0, b1, b2), (a0, a1, a2).
SHELF = (1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)
HIGH_PASS = (1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)


class Weigher:
    """K-weighted power of each 100 ms. By convolution in blocks (overlap-save): a recursive filter, sample
    by sample, would cost a hundred times as much here."""

    def __init__(self) -> None:
        self._weights = _response(STEP + TAIL)
        self._samples = np.zeros((2, STEP + TAIL), np.float32)
        self._filled = TAIL

    def add(self, samples: Samples) -> list[float]:
        """Power of each step that these samples complete, both channels added."""
        found = []
        while samples.shape[1]:
            count = min(samples.shape[1], STEP + TAIL - self._filled)
            self._samples[:, self._filled : self._filled + count] = samples[:, :count]
            self._filled += count
            samples = samples[:, count:]
            if self._filled == STEP + TAIL:
                found.append(self._power())
                self._samples[:, :TAIL] = self._samples[:, STEP:]
                self._filled = TAIL
        return found

    def _power(self) -> float:
        if np.abs(self._samples).max() < SILENT:
            return 0.0
        # A voice is the same left and right: weighed once, counted twice.
        alike = np.array_equal(self._samples[0], self._samples[1])
        samples = self._samples[:1] if alike else self._samples
        weighed = np.fft.irfft(np.fft.rfft(samples) * self._weights, STEP + TAIL)[:, TAIL:]
        return float(np.square(weighed).sum()) / STEP * (2 if alike else 1)


class Level:
    """Measures one source and says the gain that brings it to `target` LUFS, by at most `most` dB either way.

    What counts is the voice: blocks far below it are pauses, and change nothing, so that nothing pumps. When
    there has been nothing but such blocks for `PATIENCE`, it is another voice: the measure starts anew.
    `known`: what was measured of it before.
    """

    KEPT = 100  # blocks of voice that the loudness is judged by, 10 s
    ENOUGH = 3  # blocks of voice from which on it is believed
    PAUSE = 10.0  # LU under the voice: the relative gate of BS.1770
    PATIENCE = 100  # blocks in a row without the voice, 10 s of something softer

    def __init__(self, target: float, most: float, known: float | None = None) -> None:
        self.lufs = known  # of the voice, before any gain; None: not known yet
        self._target = target
        self._most = most
        self._gate = target - most - self.PAUSE  # softer is a room, not a voice
        self._weigher = Weigher()
        self._steps: deque[float] = deque(maxlen=STEPS)
        self._voice: deque[float] = deque(maxlen=self.KEPT)
        self._softer: deque[float] = deque(maxlen=self.PATIENCE)
        if known is not None:
            self._voice.extend([_power(known)] * self.ENOUGH)

    @property
    def goal(self) -> float:
        """The gain in dB; 0 as long as the loudness is not known."""
        if self.lufs is None:
            return 0.0
        return min(max(self._target - self.lufs, -self._most), self._most)

    def add(self, samples: Samples) -> None:
        """What was just decoded, shape (2, n)."""
        for power in self._weigher.add(samples):
            self._steps.append(power)
            if len(self._steps) == STEPS:
                self._block(sum(self._steps) / STEPS)

    def _block(self, power: float) -> None:
        if lufs(power) < self._gate:
            return
        if self.lufs is not None and lufs(power) < self.lufs - self.PAUSE:
            self._softer.append(power)
            if len(self._softer) < self.PATIENCE:
                return
            self._voice.extend(self._softer)
        else:
            self._voice.append(power)
        self._softer.clear()
        if len(self._voice) >= self.ENOUGH:
            self.lufs = lufs(gated(self._voice, self.PAUSE))


def lufs(power: float) -> float:
    """Loudness of a K-weighted power."""
    return OFFSET + 10 * math.log10(max(power, 1e-12))


def _power(loudness: float) -> float:
    """The opposite of `lufs`."""
    return float(10 ** ((loudness - OFFSET) / 10))


def gated(powers: deque[float], below: float) -> float:
    """The mean of those powers that are at most `below` LU under the mean of all."""
    threshold = sum(powers) / len(powers) * 10 ** (-below / 10)
    loud = [power for power in powers if power >= threshold]
    return sum(loud) / len(loud)


class Rider:
    """Moves a gain towards its goal as a hand on the fader would: fast when far off, slowly when near, and
    at once while nobody hears it."""

    FASTEST = 6.0  # dB a second
    SLOWEST = 0.5

    def __init__(self) -> None:
        self.gain = 0.0  # dB
        self._fresh = True

    def move(self, goal: float, seconds: float, heard: bool) -> float:
        """The gain in dB at the end of the next `seconds`."""
        error = goal - self.gain
        if not heard or self._fresh:
            self._fresh = False
            self.gain = goal
            return goal
        speed = min(max(abs(error), self.SLOWEST), self.FASTEST)
        step = min(abs(error), speed * seconds)
        self.gain += math.copysign(step, error)
        return self.gain


def _response(size: int) -> NDArray[np.complex64]:
    """The spectrum of the weighting filter, its impulse response cut off after `TAIL` samples."""
    long = np.exp(-2j * np.pi * np.arange(RATE // 2 + 1) / RATE)
    whole = np.ones(len(long), np.complex128)
    for above, below in (SHELF, HIGH_PASS):
        whole *= np.polynomial.polynomial.polyval(long, above)
        whole /= np.polynomial.polynomial.polyval(long, below)
    impulse = np.fft.irfft(whole, RATE)
    return np.fft.rfft(impulse[:TAIL], size).astype(np.complex64)
