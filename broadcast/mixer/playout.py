"""(P) When a picture of a source is shown: the delay of a source, and the shelf of its decoded pictures.

A frame captured at `c` is due at the tick that shows the time `c + delay`. Picture and sound of a source
use the same delay, so lips stay in step; it is as short as the line of that source allows.
"""

from collections import deque
from typing import Generic, Protocol, TypeVar

WINDOW = 3.0  # seconds of frames that the delay is judged by
MOST = 200  # frames of that window that are kept, at most
SHARE = 0.97  # of the frames that come in time
MARGIN = 0.004  # seconds on top of the latency of those
LEAST, LONGEST = 0.008, 0.25  # seconds of delay
FALL = 0.01  # seconds by which the delay may shrink in a second: the sound is stretched by as much
SLACK = 0.006  # seconds of surplus that are left alone
LEAP = 0.08  # seconds of surplus that are given up at once: a line that was bad and is good again
ODD_EARLY, ODD_LATE = -0.005, 0.15  # seconds: the capture times of such a source are shifted, so that all
# the delay is there for how much they vary
SURE = 0.5  # seconds in which every frame that came was that late: the line has changed for good


class Delay:
    """How long after their capture the frames of one source are presented.

    `captured` is what the sender says. Where that cannot be (the future, long ago), all of the source's
    times are shifted alike: what counts is that picture and sound keep their distance.
    """

    def __init__(self) -> None:
        self.value = LEAST  # seconds, on top of `captured + shift`
        self.shift = 0.0
        self._picture: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._sound: deque[tuple[float, float]] = deque(maxlen=MOST)
        self._updated = 0.0

    def picture(self, captured: float, ready: float) -> None:
        """A picture captured at `captured` was decoded at `ready`."""
        self._picture.append((ready, ready - captured))

    def sound(self, captured: float, ready: float) -> None:
        """A packet of sound whose first sample was captured at `captured` was decoded at `ready`."""
        self._sound.append((ready, ready - captured))

    def update(self, now: float, sound_slack: float, hurry: bool = False) -> float:
        """The delay from `now` on. `sound_slack`: seconds by which sound may come later than pictures.

        It grows at once and shrinks slowly, unless by far or in a `hurry` (nobody hears the source).
        """
        elapsed = min(1.0, max(0.0, now - self._updated))
        self._updated = now
        for kept in (self._picture, self._sound):
            while kept and kept[0][0] < now - WINDOW:
                kept.popleft()
        self._mind_odd_clock(now)
        target = max(_latency(self._picture), _latency(self._sound) - sound_slack) - self.shift + MARGIN
        target = min(max(target, LEAST), LONGEST)
        if target > self.value:
            self.value = target
        elif target < self.value - SLACK:
            leap = hurry or target < self.value - LEAP
            self.value = target if leap else max(target, self.value - FALL * elapsed)
        return self.value

    def _mind_odd_clock(self, now: float) -> None:
        both = (self._picture, self._sound)
        latencies = [latency for kept in both for _, latency in kept]
        if not latencies:
            return
        lately = [latency for kept in both for ready, latency in kept if ready > now - SURE]
        if lately and min(lately) - self.shift > ODD_LATE:
            latencies = lately
            for kept in both:
                while kept and kept[0][0] <= now - SURE:
                    kept.popleft()
        best = min(latencies)
        if not ODD_EARLY <= best - self.shift <= ODD_LATE:
            self.shift = best if not ODD_EARLY <= best <= ODD_LATE else 0.0


def _latency(kept: deque[tuple[float, float]]) -> float:
    if not kept:
        return float("-inf")
    ordered = sorted(latency for _, latency in kept)
    return ordered[min(len(ordered) - 1, int(len(ordered) * SHARE))]


class Dated(Protocol):
    """Anything with the time of its capture."""

    @property
    def captured(self) -> float: ...


Item = TypeVar("Item", bound=Dated)


class Shelf(Generic[Item]):
    """The decoded pictures of a source that wait to be shown, in order.

    At most `size`, which is more than the longest delay; beyond, the oldest counts as shown.
    """

    STEADY = 0.008  # seconds either side of the due time in which the shelf keeps its step of one a tick

    def __init__(self, size: int = 20) -> None:
        self.shown: Item | None = None
        self.skipped = 0
        self._waiting: deque[Item] = deque()
        self._size = size

    def add(self, item: Item) -> None:
        """A new picture. One that is not newer than the last one restarts the line."""
        if self._waiting and item.captured <= self._waiting[-1].captured:
            self._waiting.clear()
        if len(self._waiting) >= self._size:
            self.shown = self._waiting.popleft()
            self.skipped += 1
        self._waiting.append(item)

    def pick(self, due: float) -> Item | None:
        """The picture for the tick that shows the capture time `due`; the last one again if none is due.

        A source whose frames come just at the border of two ticks would flip between none and two a
        tick; therefore one that is hardly early is taken, and a second that is hardly due is left.
        """
        ready = sum(item.captured <= due for item in self._waiting)
        if ready == 0 and self._waiting and self._waiting[0].captured <= due + self.STEADY:
            ready = 1
        elif ready > 1 and self._waiting[ready - 1].captured > due - self.STEADY:
            ready -= 1
        for n in range(ready):
            self.shown = self._waiting.popleft()
            self.skipped += n > 0
        return self.shown

    def clear(self) -> None:
        """Forget everything, the picture shown too."""
        self._waiting.clear()
        self.shown = None
