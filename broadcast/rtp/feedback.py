"""(P) What a receiver tells a sender: how much arrives (RFC 3550), when to send a keyframe, how fast to go.

Missing packets are asked for by reorder.py and arrivals are reported by transport_cc.py.
"""

from broadcast.rtp.packet import sequence_delta
from broadcast.rtp.rtcp import ReportBlock, middle

KEYFRAME_INTERVAL = 0.3  # seconds between two requests for a keyframe that does not come ...
KEYFRAME_BACKOFF = 1.5  # ... growing by this, so that a deaf sender is not flooded
KEYFRAME_MOST = 3.0  # ... up to this


class Reception:
    """Statistics of one incoming stream (RFC 3550 section 6.4 and appendix A). `rate`: ticks a second."""

    def __init__(self, ssrc: int, rate: int) -> None:
        self.ssrc = ssrc
        self.packets = 0
        self.jitter = 0.0  # ticks
        self.loss = 0.0  # share lost in the last report's interval
        self.rate = rate
        self.highest = 0  # sequence number, extended by its wraps
        self._first = 0
        self._transit: float | None = None
        self._expected_before = 0
        self._packets_before = 0
        self._report = 0  # middle bits of the last sender report's NTP time
        self._report_at = 0.0

    def received(self, sequence: int, timestamp: int, arrival: float) -> None:
        """A packet came, in whatever order."""
        if self._transit is None:
            self._first = self.highest = sequence
        else:
            ahead = sequence_delta(sequence, self.highest & 0xFFFF)
            if ahead > 0:
                self.highest += ahead
        self.packets += 1
        transit = arrival * self.rate - timestamp
        if self._transit is not None:
            difference = abs(transit - self._transit)
            if difference < 0x7FFFFFFF:  # else the timestamp has just wrapped
                self.jitter += (difference - self.jitter) / 16
        self._transit = transit

    def sender_report(self, ntp: int, arrival: float) -> None:
        """A sender report of this stream came: the next blocks echo it."""
        self._report, self._report_at = middle(ntp), arrival

    def block(self, now: float) -> ReportBlock:
        """The report block for now; `loss` and the fraction start anew with each."""
        expected = self.highest - self._first + 1 if self.packets else 0
        span = expected - self._expected_before
        lost = span - (self.packets - self._packets_before)
        self._expected_before, self._packets_before = expected, self.packets
        self.loss = max(0.0, lost / span) if span > 0 else 0.0
        delay = round((now - self._report_at) * 65536) & 0xFFFFFFFF if self._report else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction=min(255, int(self.loss * 256)),
            lost=expected - self.packets,
            highest=self.highest,
            jitter=int(self.jitter),
            last_report=self._report,
            delay=delay,
        )


class KeyframeRequests:
    """When to ask a sender for a keyframe: only while one is wanted, and never more often than its line
    lets it answer."""

    def __init__(self) -> None:
        self.sent = 0
        self._wanted = False
        self._sent_at: float | None = None
        self._interval = KEYFRAME_INTERVAL

    @property
    def wanted(self) -> bool:
        return self._wanted

    def want(self) -> None:
        """Somebody cannot go on without a keyframe."""
        self._wanted = True

    def arrived(self) -> None:
        """A whole keyframe came, asked for or not: everybody is served."""
        self._wanted = False
        self._interval = KEYFRAME_INTERVAL

    def due(self, now: float, round_trip: float) -> bool:
        """Whether to send a request now; it counts as sent. `round_trip` in seconds."""
        if not self._wanted:
            return False
        if self._sent_at is not None and now - self._sent_at < max(self._interval, 1.5 * round_trip):
            return False
        if self._sent_at is not None:
            self._interval = min(KEYFRAME_MOST, self._interval * KEYFRAME_BACKOFF)
        self._sent_at = now
        self.sent += 1
        return True


class Ceiling:
    """The bit rate that REMB allows a sender: `most` at first, so that 720p starts at once, less while
    packets are lost for want of room, and up again when they are not.

    A sender with transport-cc finds its own rate; for it this is only the ceiling.
    """

    def __init__(self, most: int, least: int = 150_000) -> None:
        self.bitrate = most
        self._most = most
        self._least = least

    def update(self, loss: float, elapsed: float) -> int:
        """`loss` 0 to 1 over the last `elapsed` seconds; gives the new rate in bit/s. Between 2 and 10 %
        it stands: such loss is rarely our own doing."""
        if loss > 0.1:
            self.bitrate = round(self.bitrate * (1 - 0.5 * loss))
        elif loss < 0.02:
            self.bitrate = round(self.bitrate * 1.08 ** min(elapsed, 5.0))
        self.bitrate = max(self._least, min(self._most, self.bitrate))
        return self.bitrate
