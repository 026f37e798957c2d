"""(P) Puts the packets of one stream in order, asks for what is missing, and gives up in time.

A packet that comes in its turn goes through at once; nothing waits unless one before it is missing. A
missing packet is asked for after a moment's grace (it may only be late), then again after each round trip,
until it comes or the stream's patience ends. The buffer spans at most `limit` sequence numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from broadcast.rtp.packet import sequence_delta

T = TypeVar("T")

GRACE = 0.004  # seconds that a missing packet may just be late before it is asked for
LEAST_RETRY = 0.02  # seconds between two requests for the same packet, whatever the round trip
MOST_REQUESTS = 10  # for one packet
MOST_MISSING = 256  # with more than that missing, none is waited for: a keyframe is the cheaper way


@dataclass(slots=True)
class _Missing:
    since: float
    due: float  # when to ask (again)
    asked: int = 0


class Reorder(Generic[T]):
    """`patience` is how long, in seconds, a missing packet may hold back those after it; `nack` whether
    missing packets are asked for."""

    def __init__(self, *, patience: float = 0.15, nack: bool = True, limit: int = 1024) -> None:
        self.patience = patience
        self.round_trip = 0.1  # seconds, for the retries; set it when it is known
        self.highest: int | None = None  # extended sequence number
        self.lost = 0  # given up
        self.late = 0  # duplicates, and packets that came after they were given up
        self.skipped = 0  # given up at once, because nothing of worth was in them
        self.recovered = 0  # came after they had been asked for
        self._nack = nack
        self._limit = limit
        self._next = 0
        self._waiting: dict[int, T] = {}
        self._missing: dict[int, _Missing] = {}
        self._stray: int | None = None

    def push(self, sequence: int, item: T, now: float) -> list[tuple[T, bool]]:
        """A packet with this 16-bit number came. Gives what is now in order, oldest first, each with
        whether packets were lost for good right before it."""
        if self.highest is None:
            self.highest, self._next = sequence, sequence + 1
            return [(item, False)]
        ahead = sequence_delta(sequence, self.highest & 0xFFFF)
        number = self.highest + ahead
        if number == self._next and not self._waiting:
            self._next = self.highest = number
            self._next += 1
            return [(item, False)]
        if abs(number - self._next) >= self._limit:
            return self._jump(sequence, number, item)
        if number < self._next or number in self._waiting:
            self.late += 1
            return []
        self._stray = None
        self._waiting[number] = item
        missing = self._missing.pop(number, None)
        if missing is not None:
            self.recovered += missing.asked > 0
        for hole in range(self.highest + 1, number):
            self._missing[hole] = _Missing(now, now + GRACE)
        self.highest = max(self.highest, number)
        return self._release(lost=False)

    def poll(self, now: float) -> list[tuple[T, bool]]:
        """Gives up what is missing for too long; gives what that sets free, like `push`."""
        found: list[tuple[T, bool]] = []
        hopeless = len(self._missing) > MOST_MISSING
        while self._waiting and (hopeless or self._overdue(now)):
            while self._next not in self._waiting and (hopeless or self._overdue(now)):
                del self._missing[self._next]
                self._next += 1
                self.lost += 1
            found += self._release(lost=True)
        return found

    def waiting(self) -> Iterator[T]:
        """What waits behind a missing packet, in order."""
        return (self._waiting[number] for number in sorted(self._waiting))

    def skip(self) -> list[tuple[T, bool]]:
        """The caller knows that nothing of worth is missing before what waits: gives it up at once, and
        gives what that sets free, not marked as behind a loss."""
        while self._waiting and self._next not in self._waiting:
            self._missing.pop(self._next, None)
            self._next += 1
            self.skipped += 1
        return self._release(lost=False)

    def requests(self, now: float) -> list[int]:
        """16-bit numbers to ask for now (a NACK); each is counted as asked."""
        if not self._nack or len(self._missing) > MOST_MISSING:
            return []
        found = []
        for number, missing in self._missing.items():
            if missing.due <= now and missing.asked < MOST_REQUESTS:
                missing.asked += 1
                missing.due = now + max(LEAST_RETRY, 1.25 * self.round_trip)
                found.append(number & 0xFFFF)
        return found

    def due(self) -> float | None:
        """When `poll` or `requests` next has something to do; None while nothing is missing."""
        if not self._missing:
            return None
        oldest = next(iter(self._missing.values()))
        give_up = oldest.since + self.patience
        if len(self._missing) > MOST_MISSING:
            return oldest.since
        if not self._nack:
            return give_up
        asks = (missing.due for missing in self._missing.values() if missing.asked < MOST_REQUESTS)
        return min(give_up, min(asks, default=give_up))

    def _overdue(self, now: float) -> bool:
        missing = self._missing.get(self._next)
        return missing is not None and now - missing.since >= self.patience

    def _release(self, *, lost: bool) -> list[tuple[T, bool]]:
        found = []
        while self._next in self._waiting:
            found.append((self._waiting.pop(self._next), lost))
            lost = False
            self._next += 1
        return found

    def _jump(self, sequence: int, number: int, item: T) -> list[tuple[T, bool]]:
        """Far from where we are: one such packet is a stray, two in a row are a sender that began anew
        (RFC 3550 appendix A.1). What waits is too old to matter then."""
        if self._stray != sequence:
            self._stray = (sequence + 1) & 0xFFFF
            self.late += 1
            return []
        self.lost += len(self._missing)
        self._waiting.clear()
        self._missing.clear()
        self._stray = None
        self.highest, self._next = number, number + 1
        return [(item, True)]
