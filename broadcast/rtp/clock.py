"""(P) Maps RTP timestamps to this machine's monotonic clock, so that picture and sound of a feed agree.

Sender reports tie a stream's RTP clock to the sender's NTP clock; the sender's NTP clock is tied to ours by
the reports that travelled fastest. Both streams of a feed share that second tie, so whatever error it has
is the same for picture and sound, and lip-sync does not depend on it. Before a stream's first report, its
packets' arrival times have to do.
"""

# For clocks at most 200 ppm apart (cheap crystals) and paths that jitter by hundreds of milliseconds.
CREEP = 0.0005  # seconds a second by which a minimum rises, so that a clock that drifts is followed
SLEW = 0.005  # seconds a second by which a mapping moves towards a better one
JUMP = 0.1  # seconds beyond which it moves at once
STEP = 0.5  # seconds by which the sender's NTP clock must leap to count as having been set
CONFIRM = 3  # late reports in a row after which the way is believed to have become longer
LEAP = 3.0  # seconds between arrival and timestamp that no queue explains: the RTP clock began anew
TRUST = 1.0  # seconds that a report's mapping may be away from what arrival says before it is nonsense


class Unwrap:
    """Makes a counter of `bits` bits grow without wrapping, also over late values."""

    def __init__(self, bits: int = 32) -> None:
        self._span = 1 << bits
        self._last: int | None = None

    def near(self, value: int) -> int:
        """Like a call, but the value leaves no trace."""
        last = value if self._last is None else self._last
        half = self._span >> 1
        return last + (value - last + half) % self._span - half

    def __call__(self, value: int) -> int:
        """The unwrapped value nearest to the last one; the first is taken as it is."""
        number = self.near(value)
        self._last = number if self._last is None else max(self._last, number)
        return number


class _Minimum:
    """The least of recent samples: rises slowly by itself, falls at once."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._at = 0.0

    def add(self, sample: float, now: float) -> float:
        if self.value is None:
            self.value = sample
        else:
            self.value = min(sample, self.value + CREEP * max(0.0, now - self._at))
        self._at = now
        return self.value


class _Slew:
    """Follows a target slowly, but at once when it is far off."""

    def __init__(self) -> None:
        self.value: float | None = None
        self._at = 0.0

    def towards(self, target: float, now: float) -> float:
        step = SLEW * max(0.0, now - self._at)
        self._at = max(self._at, now)
        if self.value is None or abs(target - self.value) > JUMP:
            self.value = target
        else:
            self.value += max(-step, min(step, target - self.value))
        return self.value


class FeedClock:
    """The sender's NTP clock against ours; shared by all streams of one feed, and corrected for all alike."""

    def __init__(self) -> None:
        self.leapt = 0.0  # seconds by which the sender's clock has been set since the first report
        self._offset = _Minimum()
        self._slew = _Slew()
        self._doubts = 0

    def offset(self, now: float) -> float | None:
        """Monotonic seconds = NTP seconds - leapt + offset; None before the first report."""
        target = self._offset.value
        return None if target is None else self._slew.towards(target, now)

    def explains(self, leap: float, ntp: float, arrival: float) -> bool:
        """Whether a report with `ntp` that arrived at `arrival` looks as if the sender's clock had been set
        by `leap` seconds."""
        offset = self._offset.value
        return offset is not None and abs(arrival - (ntp - self.leapt - leap) - offset) < STEP

    def report(self, ntp: float, arrival: float) -> None:
        """A sender report with NTP time `ntp` (seconds) arrived at `arrival` (monotonic seconds)."""
        sample = arrival - (ntp - self.leapt)
        current = self._offset.value
        if current is not None and sample > current + STEP:
            self._doubts += 1  # very late; or, when it stays so, the way has become longer
            if self._doubts < CONFIRM:
                return
            self._offset = _Minimum()
        self._doubts = 0
        self._offset.add(sample, arrival)

    def seen(self, ntp: float, arrival: float) -> None:
        """Something captured at `ntp` (leaps taken out) has arrived: nothing arrives before it is captured,
        so this bounds the offset when all reports so far were slow."""
        offset = self._offset.value
        if offset is not None and offset - TRUST < arrival - ntp < offset:
            self._offset.add(arrival - ntp, arrival)


class StreamClock:
    """One stream's RTP clock. `rate` in ticks a second."""

    def __init__(self, feed: FeedClock, rate: int) -> None:
        self._feed = feed
        self._rate = rate
        self._unwrap = Unwrap()
        self._arrival = _Minimum()  # of arrival - timestamp / rate
        self._tie: float | None = None  # the sender's NTP seconds, leaps taken out, minus RTP seconds
        self._guess = _Slew()
        self._by_report = False

    @property
    def synchronised(self) -> bool:
        """Whether the sender's reports (and not only arrival) say when a frame was captured."""
        return self._by_report

    def report(self, timestamp: int, ntp: float, arrival: float) -> None:
        """A sender report: the RTP clock stood at `timestamp` (32 bits) at `ntp` seconds.

        The RTP clock cannot be set by hand. So when the NTP clock has leapt against it, we know by how much,
        to the tick, and take it out for all streams: no mapping moves.
        """
        if self._arrival.value is not None:  # else there is not a packet yet to unwrap against
            tie = ntp - self._feed.leapt - self._unwrap.near(timestamp) / self._rate
            leap = 0.0 if self._tie is None else tie - self._tie
            if abs(leap) > STEP and self._feed.explains(leap, ntp, arrival):
                self._feed.leapt += leap
            else:
                self._tie = tie
        self._feed.report(ntp, arrival)

    def frame(self, timestamp: int, arrival: float) -> tuple[int, float]:
        """A frame's unwrapped timestamp, and when it was captured on our clock.

        `timestamp` is the 32-bit one of the packets, `arrival` when the first of them came.
        """
        number = self._unwrap(timestamp)
        seconds = number / self._rate
        guess = self._arrival.add(arrival - seconds, arrival)
        if abs(arrival - seconds - guess) > LEAP:
            self._arrival = _Minimum()
            guess = self._arrival.add(arrival - seconds, arrival)
            self._tie, self._guess = None, _Slew()
        if self._tie is not None:
            self._feed.seen(seconds + self._tie, arrival)
        offset = self._guess.towards(guess, arrival)
        shared = self._feed.offset(arrival)
        self._by_report = False
        if self._tie is not None and shared is not None and abs(self._tie + shared - guess) <= TRUST:
            self._by_report = True
            offset = self._tie + shared
        return number, seconds + offset
