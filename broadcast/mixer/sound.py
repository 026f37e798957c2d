"""(P) Sound as samples, and the timeline of a source: each packet in its place, holes where none came.

Samples are float32, shape (2, n), 48 kHz, full scale 1.0.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
There = NDArray[np.bool_]  # of each sample: whether it came
RATE = 48000
BLOCK = 960  # samples of one packet of the programme: 20 ms
KEPT = 2 * RATE  # samples of a timeline
AHEAD = RATE  # a packet further ahead than this begins a new timeline


class Timeline:
    """The last two seconds of a source, by the sample's own timestamp."""

    def __init__(self) -> None:
        self._samples = np.zeros((2, KEPT), np.float32)
        self._there = np.zeros(KEPT, np.bool_)
        self._base = 0  # timestamp of the first sample kept
        self._end = 0  # timestamp after the last sample written
        self._read_to = 0  # timestamp up to which somebody has read
        self._empty = True

    def write(self, timestamp: int, block: Samples) -> None:
        """Put a packet in its place."""
        if self._empty or not self._base <= timestamp < max(self._end, self._read_to) + AHEAD:
            self._restart(timestamp)
        count = min(block.shape[1], RATE // 2)
        self._make_room(timestamp + count)
        at = timestamp - self._base
        self._samples[:, at : at + count] = block[:, :count]
        self._there[at : at + count] = True
        self._end = max(self._end, timestamp + count)

    def read(self, timestamp: int, count: int) -> tuple[Samples, There]:
        """`count` samples from `timestamp`, and which of them came: the others are 0."""
        samples, there = np.zeros((2, count), np.float32), np.zeros(count, np.bool_)
        first, last = max(timestamp, self._base), min(timestamp + count, self._base + KEPT)
        if last > first:
            here = slice(first - timestamp, last - timestamp)
            kept = slice(first - self._base, last - self._base)
            samples[:, here], there[here] = self._samples[:, kept], self._there[kept]
        self._read_to = max(self._read_to, timestamp + count)
        return samples, there

    def _restart(self, timestamp: int) -> None:
        self._samples[:], self._there[:] = 0, False
        self._base = self._end = self._read_to = timestamp
        self._empty = False

    def _make_room(self, end: int) -> None:
        over = end - (self._base + KEPT)
        if over <= 0:
            return
        shift = over + RATE // 2  # half a second more, so that this is rare
        kept = max(0, KEPT - shift)  # nothing, when the player was starved for longer than we keep
        for line in (self._samples, self._there):
            line[..., :kept] = line[..., KEPT - kept :]
            line[..., kept:] = 0
        self._base += shift
