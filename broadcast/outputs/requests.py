"""(P) Keyframe requests of all fan-outs together: the mixer hears of the full rendition at most one a second,
of a smaller one two."""

from collections.abc import Callable

from broadcast.outputs.limits import KeyframeLimiter
from broadcast.rtp.frame import Frame

INTERVAL = 0.95  # seconds: a little less than each fan-out's own, so that a lone one never waits


class KeyframeRequests:
    """`ask(rendition)` goes to the mixer; `clock` gives monotonic seconds."""

    def __init__(self, ask: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._ask = ask
        self._clock = clock
        self._limiters: dict[str, KeyframeLimiter] = {}

    def want(self, rendition: str = "") -> None:
        """Somebody's viewers need a keyframe of this rendition: now, or as soon as it may be."""
        interval = INTERVAL / 2 if rendition else INTERVAL  # small keyframes cost little
        limiter = self._limiters.setdefault(rendition, KeyframeLimiter(interval))
        limiter.want()
        self._look(rendition, limiter)

    def passed(self, frame: Frame, rendition: str = "") -> None:
        """A frame of this rendition has come."""
        limiter = self._limiters.get(rendition)
        if limiter is None:
            return
        if frame.keyframe:
            limiter.arrived()
        else:
            self._look(rendition, limiter)

    def _look(self, rendition: str, limiter: KeyframeLimiter) -> None:
        if limiter.due(self._clock()):
            self._ask(rendition)
