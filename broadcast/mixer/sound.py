"""(P) Sound as samples: the timeline of a source, and reading it in step with the pictures.

Samples are float32, shape (2, n), 48 kHz, full scale 1.0. Every seam is a short crossfade: no clicks.
"""

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
RATE = 48000
BLOCK = 960  # samples of one packet of the programme: 20 ms
SEAM = 240  # samples of a crossfade at a gap, 5 ms
LONG_SEAM = 480  # ... and at a jump, 10 ms
KEPT = 2 * RATE  # samples of a timeline
AHEAD = RATE  # a packet further ahead than this begins a new timeline


class Timeline:
    """The last two seconds of a source, by the sample's own timestamp. After its end, the sound fades out."""

    def __init__(self) -> None:
        self._samples = np.zeros((2, KEPT), np.float32)
        self._base = 0  # timestamp of the first sample kept
        self.end = 0  # timestamp after the last sample written
        self.read_to = 0  # timestamp up to which samples were played
        self.empty = True

    def write(self, timestamp: int, block: Samples) -> None:
        """Put a packet in its place. What was played is left out; a gap or a late start is faded in."""
        if self.empty or not self._base <= timestamp < max(self.end, self.read_to) + AHEAD:
            self._restart(timestamp)
        start = max(timestamp, self.read_to)
        block = block[:, start - timestamp :]
        count = min(block.shape[1], RATE // 2)
        if count <= 0:
            return
        self._make_room(start + count + SEAM)
        at = start - self._base
        place = self._samples[:, at : at + count]
        seam = min(SEAM, count)
        if start == self.end and start == timestamp:
            place[:] = block[:, :count]
        else:
            rise = np.linspace(0, 1, seam, dtype=np.float32)
            head = place[:, :seam] * (1 - rise) + block[:, :seam] * rise
            place[:] = block[:, :count]
            place[:, :seam] = head
        if start + count > self.end:
            self.end = start + count
            self._fade_after_end()

    def read(self, timestamp: int, count: int) -> Samples:
        """`count` samples from `timestamp`: silence where there are none. Counts as played."""
        found = self.peek(timestamp, count)
        self.read_to = max(self.read_to, timestamp + count)
        return found

    def peek(self, timestamp: int, count: int) -> Samples:
        """As `read`, without counting as played."""
        found = np.zeros((2, count), np.float32)
        first, last = max(timestamp, self._base), min(timestamp + count, self._base + KEPT)
        if not self.empty and last > first:
            found[:, first - timestamp : last - timestamp] = self._samples[
                :, first - self._base : last - self._base
            ]
        return found

    def _restart(self, timestamp: int) -> None:
        self._samples[:] = 0
        self._base = self.end = self.read_to = timestamp
        self.empty = False

    def _make_room(self, end: int) -> None:
        over = end - (self._base + KEPT)
        if over <= 0:
            return
        shift = over + RATE // 2  # half a second more, so that this is rare
        kept = max(0, KEPT - shift)  # nothing, when the player was starved for longer than we keep
        self._samples[:, :kept] = self._samples[:, KEPT - kept :]
        self._samples[:, kept:] = 0
        self._base += shift

    def _fade_after_end(self) -> None:
        """The last 5 ms backwards, dying away: starts where the sound broke off, so it does not click."""
        at = self.end - self._base
        count = min(SEAM, at)
        fall = np.linspace(1, 0, count, dtype=np.float32)
        self._samples[:, at : at + count] = self._samples[:, at - count : at][:, ::-1] * fall
        self._samples[:, at + count : at + 2 * SEAM] = 0


class Reader:
    """Reads a timeline in step with the source: small errors by stretching, large ones by a faded jump."""

    LOOSE = 240  # samples of error that are left alone, 5 ms
    JUMP = 2880  # ... beyond which it jumps, 60 ms
    STRETCH = 10  # samples a block at most: 1 %

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._at: int | None = None
        self.jumps = 0

    def rest(self) -> None:
        """Nobody listens: the next `block` starts where it should."""
        self._at = None

    def block(self, wanted: int) -> Samples:
        """The next block, which should start at the timestamp `wanted`."""
        if self._at is None:
            self._at = wanted
        error = wanted - self._at
        if abs(error) > self.JUMP:
            return self._jump(wanted)
        take = BLOCK
        if abs(error) > self.LOOSE:
            take += max(-self.STRETCH, min(self.STRETCH, error))
        found = self._timeline.read(self._at, take)
        self._at += take
        return found if take == BLOCK else _stretched(found)

    def _jump(self, wanted: int) -> Samples:
        assert self._at is not None, "block() sets it before"
        old = self._timeline.peek(self._at, LONG_SEAM)
        new = self._timeline.read(wanted, BLOCK)
        rise = np.linspace(0, 1, LONG_SEAM, dtype=np.float32)
        new[:, :LONG_SEAM] = old * (1 - rise) + new[:, :LONG_SEAM] * rise
        self._at = wanted + BLOCK
        self.jumps += 1
        return new


def _stretched(samples: Samples) -> Samples:
    count = samples.shape[1]
    places = np.linspace(0, count - 1, BLOCK)
    source = np.arange(count)
    return np.stack([np.interp(places, source, channel) for channel in samples]).astype(np.float32)
