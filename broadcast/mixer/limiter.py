"""(P) The limiter: no peak above the ceiling, not even between two samples.

A player's converter, and every codec, draws the curve through the samples, and that may rise above all of
them. So peaks are looked for in the fourfold oversampled sound (ITU-R BS.1770-4, annex 2).
"""

from itertools import pairwise

import numpy as np

from broadcast.mixer.sound import Samples

PHASES = 4  # oversampling
TAPS = 16  # samples that a point between two samples is judged by
RISE = 1.5  # by which the curve of real sound rises above its samples at most; noise stays below it, too
GUARD = 0.977  # -0.2 dB: what fourfold oversampling still misses between its own points


class Limiter:
    """Keeps every true peak at or below the ceiling by turning down in time, without distortion or clicks.

    It looks 2 ms ahead, so it gives back the samples 2 ms (`DELAY`) late.
    """

    DELAY = 96  # samples; each of them is one that players hold the pictures back by, too
    RELEASE = 0.008  # of the full level, that it turns up again in 2 ms

    def __init__(self, ceiling_dbtp: float, channels: int = 2) -> None:
        self._ceiling = 10 ** (ceiling_dbtp / 20)
        self._held = np.zeros((channels, self.DELAY), np.float32)
        self._last = np.zeros((channels, TAPS), np.float32)
        self._peak = 0.0  # of the part that is held
        self._gain = 1.0
        self._phases = _phases()

    def process(self, block: Samples) -> Samples:
        """A block of a multiple of `DELAY`; gives as many samples."""
        samples = np.concatenate((self._held, block), axis=1)
        peaks = self._peaks(block)
        self._peak = float(peaks[-1])
        self._held = samples[:, -self.DELAY :].copy()
        parts = samples.reshape(len(samples), -1, self.DELAY)
        allowed = np.minimum(1.0, self._ceiling * GUARD / np.maximum(peaks, 1e-9))
        ends = []
        gain = self._gain
        for now, after in pairwise(allowed):
            gain = float(min(gain + self.RELEASE, now, after))
            ends.append(gain)
        passed: Samples = parts[:, :-1].reshape(len(samples), -1)
        if self._gain == 1.0 and min(ends) == 1.0:
            return passed
        starts = [self._gain, *ends[:-1]]
        self._gain = ends[-1]
        curve = np.concatenate(
            [
                np.linspace(a, b, self.DELAY, endpoint=False, dtype=np.float32)
                for a, b in zip(starts, ends, strict=True)
            ]
        )
        limited: Samples = np.clip(passed * curve, -self._ceiling, self._ceiling)
        return limited

    def _peaks(self, block: Samples) -> Samples:
        """The peak of the part held and of each 5 ms of the block: the true one, or the samples' own where
        that is far from the ceiling."""
        samples = np.concatenate((self._last, block), axis=1)
        self._last = samples[:, -TAPS:].copy()
        plain = np.empty(1 + block.shape[1] // self.DELAY, np.float32)
        plain[0] = self._peak
        np.abs(block).reshape(len(block), -1, self.DELAY).max(axis=(0, 2), out=plain[1:])
        if np.abs(samples).max() * RISE < self._ceiling:
            return plain
        # The curve between two samples is known half the taps later, so a part's last few points are found
        # with the next one: both are turned down for them.
        curve = self._between(samples).reshape(-1, self.DELAY).max(axis=1)
        plain[1:] = np.maximum(plain[1:], curve)
        plain[:-1] = np.maximum(plain[:-1], curve)
        return plain

    def _between(self, samples: Samples) -> Samples:
        """For each sample after the first `TAPS` the largest of the points between the sample half as many
        earlier and the next one; absolute, of all channels."""
        found = np.zeros(samples.shape[1] - TAPS, np.float32)
        for phase in self._phases:
            for channel in samples:
                np.maximum(found, np.abs(np.convolve(channel, phase, "valid")[1:]), out=found)
        return found


def _phases() -> list[Samples]:
    """The interpolating filters for the points at 1/4, 1/2 and 3/4 between two samples."""
    places = np.arange(TAPS) - TAPS // 2 + 1
    window = 0.54 + 0.46 * np.cos(2 * np.pi * np.arange(-TAPS // 2, TAPS // 2 + 1) / (TAPS + 1))
    found = []
    for number in range(1, PHASES):
        at = number / PHASES
        shape = np.interp(places - at, np.arange(-TAPS // 2, TAPS // 2 + 1), window)
        taps = np.sinc(places - at) * shape
        found.append((taps / taps.sum())[::-1].astype(np.float32))
    return found
