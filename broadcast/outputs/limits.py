"""(P) How often, and how much: the limiters of the outputs."""


class KeyframeLimiter:
    """Many ask for a keyframe, the mixer is asked at most once in `interval` seconds; what comes in between
    is remembered and served by the next one."""

    def __init__(self, interval: float = 1.0) -> None:
        self.asked = 0
        self.wanted = False
        self._interval = interval
        self._last: float | None = None

    def want(self) -> None:
        """Somebody needs a keyframe."""
        self.wanted = True

    def open(self, now: float) -> bool:
        """Whether a keyframe may be asked for now."""
        return self._last is None or now - self._last >= self._interval

    def due(self, now: float) -> bool:
        """Whether to ask now; it counts as asked."""
        if not self.wanted or not self.open(now):
            return False
        self._last = now
        self.asked += 1
        return True

    def arrived(self) -> None:
        """A keyframe went out, asked for or not."""
        self.wanted = False


class Bucket:
    """A token bucket: `rate` a second, `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, count: float, now: float) -> bool:
        """Whether `count` may be spent now; if so it is spent."""
        if self._at is not None:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < count:
            return False
        self._tokens -= count
        return True
