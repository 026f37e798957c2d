"""(P) The date of each segment: the programme's own time, in the words of the wall clock.

The programme runs by the monotonic clock, and so does the session's line of ticks. The wall clock may be set
(by NTP, by hand), and a machine may sleep, which the monotonic clock does not count. Chapters and thumbnails
go by the wall clock of their moment; so segments do, too.
"""

from collections.abc import Callable
from dataclasses import dataclass

from broadcast.outputs.hls.cmaf import VIDEO_SCALE

STEP = 0.5  # seconds by which the wall clock must have moved; less is drift, and taken over when it adds up


@dataclass(frozen=True, slots=True)
class Moment:
    """A tick as Unix milliseconds, and how many steps of the wall clock lay before it."""

    wall: int
    steps: int = 0


class Clock:
    """`zero`: monotonic seconds of the session's tick 0; `boot` tells Unix minus monotonic seconds."""

    def __init__(self, zero: float, boot: Callable[[], float]) -> None:
        self._zero = zero
        self._boot = boot
        self._now = self._before = boot()
        self._latest = self._since = -1  # ticks: the last that was asked for; the one of the last step
        self._steps = 0

    def at(self, ticks: int) -> Moment:
        """When the segment that begins here does. All renditions that begin one here are told the same."""
        if ticks > self._latest:
            self._latest = ticks
            self._look(ticks)
        late = ticks < self._since
        seconds = self._zero + ticks / VIDEO_SCALE + (self._before if late else self._now)
        return Moment(round(seconds * 1000), self._steps - late)

    def _look(self, ticks: int) -> None:
        boot = self._boot()
        if abs(boot - self._now) > STEP:
            self._before, self._now = self._now, boot
            self._since, self._steps = ticks, self._steps + 1
