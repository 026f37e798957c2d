"""The programme's sound: each source through its channel (automatic level, gain, fades), then the limiter."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from broadcast.mixer.limiter import Limiter
from broadcast.mixer.loudness import Rider
from broadcast.mixer.settings import ProgrammeSettings
from broadcast.mixer.sound import BLOCK, RATE, Samples

SECONDS = BLOCK / RATE
# How late a sample leaves: 2 ms in the limiter and 2.5 ms in Opus. Sources are read by as much earlier.
LEAD = (Limiter.DELAY + 120) / RATE
# When a block leaves, after its first sample is due. Browsers hold sound back for much longer than pictures
# (some 40 to 60 ms against 10) and then hold the pictures back to match, so each millisecond that sound
# leaves earlier is one that pictures are shown earlier.
LEAVES = 0.010


class Voice(Protocol):
    """What a channel needs of a source."""

    @property
    def goal(self) -> float: ...
    def block(self, now: float, lead: float) -> Samples: ...
    def rest(self) -> None: ...


class Fade:
    """A gain on its way to another, by equal power: two voices that change places keep their loudness."""

    def __init__(self, gain: float = 0.0) -> None:
        self.goal = gain
        self._start = gain
        self._done = self._length = 0  # samples of the way

    @property
    def silent(self) -> bool:
        """Nothing is heard and nothing will be."""
        return self.goal == 0 and self._done >= self._length

    def block(self, goal: float, seconds: float) -> Samples | np.float32:
        """The gain of each sample of the next block, or one for all. A new goal is reached in `seconds`."""
        if goal != self.goal:
            self._start, self.goal = self._now(), goal
            self._done, self._length = 0, max(1, round(seconds * RATE))
        if self._done >= self._length:
            return np.float32(self.goal)
        way = np.minimum(np.arange(self._done + 1, self._done + BLOCK + 1) / self._length, 1.0)
        self._done = min(self._done + BLOCK, self._length)
        rise = np.sin(0.5 * math.pi * way) ** 2
        return np.sqrt(self._start**2 + (self.goal**2 - self._start**2) * rise).astype(np.float32)

    def _now(self) -> float:
        if self._done >= self._length:
            return self.goal
        rise = math.sin(0.5 * math.pi * self._done / self._length) ** 2
        return math.sqrt(self._start**2 + (self.goal**2 - self._start**2) * rise)


@dataclass(slots=True, eq=False)
class Channel:
    """One source in the mix. Keeps its source: one that is taken away while heard is faded out."""

    voice: Voice
    fade: Fade = field(default_factory=Fade)
    rider: Rider = field(default_factory=Rider)

    def block(self, now: float, gain: float, ramp: float) -> Samples | None:
        """Its 20 ms from `now` as they are heard; None when they are not."""
        heard = not self.fade.silent
        before = self.rider.gain
        after = self.rider.move(self.voice.goal, SECONDS, heard)
        if not heard and gain == 0:
            self.voice.rest()
            return None
        level = _level(before, after) if heard else np.float32(_linear(after))
        return self.voice.block(now, LEAD) * (self.fade.block(gain, ramp) * level)


class Mixdown:
    """Mixes block after block. Used by the tick of sound alone."""

    def __init__(self, settings: ProgrammeSettings) -> None:
        self.parts: dict[str, Samples] = {}  # what each feed added to the last block, before the limiter
        self._limiter = Limiter(settings.ceiling_dbtp)
        self._crossfade = settings.crossfade_seconds
        self._channels: dict[str, Channel] = {}

    def block(
        self, now: float, sources: Mapping[str, Voice], wanted: Mapping[str, float], ramp: float
    ) -> Samples:
        """The 20 ms from `now`. `wanted`: gain by feed, none for silent ones; reached in `ramp` seconds, or
        those of a crossfade if these are more."""
        for feed, source in sources.items():
            channel = self._channels.get(feed)
            if channel is None or channel.voice is not source:
                self._channels[feed] = Channel(source)
        self.parts = {}
        mixed = np.zeros((2, BLOCK), np.float32)
        for feed, channel in list(self._channels.items()):
            gain = wanted.get(feed, 0.0) if feed in sources else 0.0
            part = channel.block(now, gain, max(ramp, self._crossfade))
            if part is not None:
                self.parts[feed] = part
                mixed += part
            elif feed not in sources:
                del self._channels[feed]
        return self._limiter.process(mixed)


def _linear(decibels: float) -> float:
    return float(10 ** (decibels / 20))


def _level(before: float, after: float) -> Samples | np.float32:
    """A straight way from one gain in dB to the other over a block."""
    if before == after:
        return np.float32(_linear(after))
    return np.linspace(_linear(before), _linear(after), BLOCK, dtype=np.float32)
