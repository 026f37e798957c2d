"""(P) Reading the sound of a source in step with its pictures, without a hole and without a step."""

import numpy as np

from broadcast.mixer.conceal import Concealer
from broadcast.mixer.sound import BLOCK, Samples, There, Timeline


class Reader:
    """Reads a timeline in step with the source: small errors by stretching, large ones by a jump.

    What is missing is made up. Where it is missing because all sound comes later than it did (so the source
    is to be read later from now on), the reader goes back, and reads what has come while it was made up.
    """

    LOOSE = 240  # samples of error that are left alone, 5 ms
    JUMP = 2880  # ... beyond which it jumps, 60 ms
    STRETCH = 10  # samples a block at most: 1 %

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._concealer = Concealer()
        self._at = 0  # the timestamp that is read next
        self._heard: int | None = None  # ... after the last sample that had come; None: nothing was heard yet
        self.jumps = 0
        self.played = 0  # samples since something was heard
        self.missing = 0  # ... of which so many had not come

    def rest(self) -> None:
        """Nobody listens: the next `block` starts where it should."""
        self._heard = None
        self._concealer.forget()

    def block(self, wanted: int) -> Samples:
        """The next block, which should start at the timestamp `wanted`."""
        at = self._resumed(wanted)
        error, take = wanted - at, BLOCK
        if abs(error) > self.JUMP:
            at = wanted
            self._concealer.leap()
            self.jumps += 1
        elif abs(error) > self.LOOSE:
            take += max(-self.STRETCH, min(self.STRETCH, error))
        samples, there = self._timeline.read(at, take)
        if there.any():
            self._heard = at + int(np.flatnonzero(there)[-1]) + 1
        self._at = at + take
        found = self._play(samples, there)
        return found if take == BLOCK else _stretched(found)

    def _resumed(self, wanted: int) -> int:
        """Where to read on: behind what was heard last, if what was due since may have come by now."""
        if self._heard is None:
            return wanted
        if wanted < self._at - self.LOOSE:
            return min(self._at, max(wanted, self._heard))
        return self._at

    def _play(self, samples: Samples, there: There) -> Samples:
        if self._heard is not None:
            self.played += len(there)
            self.missing += len(there) - int(np.count_nonzero(there))
        return self._concealer.block(samples, there)


def _stretched(samples: Samples) -> Samples:
    count = samples.shape[1]
    places = np.linspace(0, count - 1, BLOCK)
    source = np.arange(count)
    return np.stack([np.interp(places, source, channel) for channel in samples]).astype(np.float32)
