"""(P) Reading the sound of a source in step with its pictures, without a hole and without a step."""

import numpy as np

from broadcast.mixer.conceal import Concealer
from broadcast.mixer.sound import BLOCK, Samples, Timeline


class Reader:
    """Reads a timeline in step with the source: small errors by stretching, large ones by a jump,
    and what is missing made up."""

    LOOSE = 240  # samples of error that are left alone, 5 ms
    JUMP = 2880  # ... beyond which it jumps, 60 ms
    STRETCH = 10  # samples a block at most: 1 %

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._concealer = Concealer()
        self._at: int | None = None
        self.jumps = 0

    def rest(self) -> None:
        """Nobody listens: the next `block` starts where it should."""
        self._at = None
        self._concealer.forget()

    @property
    def made_up(self) -> int:
        """Samples that were played in place of missing ones."""
        return self._concealer.made

    def block(self, wanted: int) -> Samples:
        """The next block, which should start at the timestamp `wanted`."""
        if self._at is None:
            self._at = wanted
        error = wanted - self._at
        if abs(error) > self.JUMP:
            self._at, error = wanted, 0
            self._concealer.leap()
            self.jumps += 1
        take = BLOCK
        if abs(error) > self.LOOSE:
            take += max(-self.STRETCH, min(self.STRETCH, error))
        found = self._concealer.block(*self._timeline.read(self._at, take))
        self._at += take
        return found if take == BLOCK else _stretched(found)


def _stretched(samples: Samples) -> Samples:
    count = samples.shape[1]
    places = np.linspace(0, count - 1, BLOCK)
    source = np.arange(count)
    return np.stack([np.interp(places, source, channel) for channel in samples]).astype(np.float32)
