"""(P) What one viewer is sent again, and how often.

An answer that is still on its way makes no player patient: Chromium asks again after 100 ms, whatever the
line's delay. Answering each time would fill a thin line with copies, so the same packet comes again after
most of a round trip at the earliest, and all together keep to the rendition's rate. Who asks for a packet a
second time has a line that loses requests or answers: it gets two copies, and then three.
"""

ROUND_TRIP = 0.1  # seconds, until it is measured
LEAST = 0.75  # of a round trip, between two answers for the same packet
COPIES = 3  # of one packet at most
SHARE = 1.0  # of the rendition's rate that may be sent again; 10 ms of jitter make players ask for 0.75 ...
AT_ONCE = 0.5  # ... seconds of that rate at once: a keyframe
REMEMBERED = 512  # packets


class Resends:
    """Of one viewer's pictures. Memory: REMEMBERED numbers. Overflow: the oldest is forgotten."""

    def __init__(self) -> None:
        self._sent: dict[int, tuple[float, int]] = {}  # number: when last, how often
        self._tokens: float | None = None  # bits
        self._at = 0.0

    def __contains__(self, sequence: int) -> bool:
        """Whether this packet was sent again: when it came says nothing about the line."""
        return sequence in self._sent

    def soon(self, sequence: int, now: float, round_trip: float) -> bool:
        """Whether an answer may still be on its way."""
        before = self._sent.get(sequence)
        return before is not None and now - before[0] < LEAST * round_trip

    def take(self, sequence: int, size: int, now: float, rate: int) -> int:
        """How many copies of a packet of `size` bytes may leave now; `rate` is the rendition's, bit/s."""
        most = AT_ONCE * rate
        full = most if self._tokens is None else self._tokens + SHARE * rate * (now - self._at)
        self._tokens, self._at = min(most, full), now
        times = self._sent.get(sequence, (0.0, 0))[1] + 1
        copies = min(times, COPIES, int(self._tokens / (8 * size)))
        if copies:
            self._tokens -= copies * 8 * size
            self._sent.pop(sequence, None)
            self._sent[sequence] = now, times
            if len(self._sent) > REMEMBERED:
                del self._sent[next(iter(self._sent))]
        return copies
