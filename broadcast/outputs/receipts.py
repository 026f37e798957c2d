"""(P) What one viewer has told of the packets that it was sent, each packet once.

A packet that comes out of its turn, shaken or sent again, makes players tell again of all that came since
(they begin their next message with it), so messages overlap. What counted as lost and comes after all is told
as such.
"""

from broadcast.rtp.packet import sequence_delta
from broadcast.rtp.transport_cc import Arrivals

REMEMBERED = 512  # packets that counted as lost; of older ones it does not matter


class Receipts:
    """Of one viewer. Memory: REMEMBERED numbers."""

    def __init__(self) -> None:
        self._next: int | None = None  # the first number that nothing has told of, extended
        self._lost: dict[int, None] = {}  # extended numbers, the oldest first

    def read(self, told: Arrivals) -> tuple[list[tuple[int, float]], int]:
        """The packets that have come, as (16-bit number, seconds on the viewer's clock), and how many more
        have not: fewer than none where some that seemed lost were only late."""
        if self._next is None:
            self._next = told.first
        known = self._next
        begin = known + sequence_delta(told.first, known & 0xFFFF)
        end = begin + told.count
        came: dict[int, tuple[int, float]] = {}
        late = 0
        for sequence, arrived in told.received:
            number = begin + ((sequence - told.first) & 0xFFFF)
            if number < known:
                if number not in self._lost:
                    continue  # told before
                del self._lost[number]
                late += 1
            came[number] = sequence, arrived
        missing = [number for number in range(max(begin, known), end) if number not in came]
        self._lost.update(dict.fromkeys(missing))
        while len(self._lost) > REMEMBERED:
            del self._lost[next(iter(self._lost))]
        self._next = max(known, end)
        return list(came.values()), len(missing) - late
