"""The programme's sound: sources with their gains, ramps at every change, the limiter."""

from collections.abc import Mapping

import numpy as np

from broadcast.mixer.sound import BLOCK, RATE, Limiter, Samples
from broadcast.mixer.source import Source

RAMP = 0.01  # seconds of a ramp at a cut
# How late a sample leaves: 5 ms in the limiter and 6.5 ms in Opus. Sources are read by as much earlier.
LEAD = (Limiter.DELAY + 312) / RATE


class Mixdown:
    """Mixes block after block. Used by the tick of sound alone."""

    def __init__(self, ceiling_dbfs: float) -> None:
        self._limiter = Limiter(ceiling_dbfs)
        self._gains: dict[str, float] = {}

    def block(
        self, now: float, sources: Mapping[str, Source], wanted: Mapping[str, float], ramp: float
    ) -> Samples:
        """The 20 ms from `now`. `wanted`: gain by feed, none for silent ones; reached in `ramp` seconds."""
        mixed = np.zeros((2, BLOCK), np.float32)
        gains = {}
        for feed, source in sources.items():
            gain, goal = self._gains.get(feed, 0.0), wanted.get(feed, 0.0)
            if gain == 0 and goal == 0:
                source.rest()
                continue
            curve, gains[feed] = _curve(gain, goal, max(ramp, RAMP))
            mixed += source.block(now, LEAD) * curve
        self._gains = gains
        return self._limiter.process(mixed)


def _curve(gain: float, goal: float, ramp: float) -> tuple[Samples | np.float32, float]:
    """The gain of each sample of a block, and the gain after it."""
    if gain == goal:
        return np.float32(gain), goal
    step = np.sign(goal - gain) / (ramp * RATE)
    curve = gain + step * np.arange(1, BLOCK + 1, dtype=np.float32)
    curve = np.minimum(curve, goal) if goal > gain else np.maximum(curve, goal)
    return curve.astype(np.float32), float(curve[-1])
