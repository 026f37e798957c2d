"""From the pictures that a viewer presented to figures. Pure.

A row is [presented ms, expected ms, RTP timestamp, presented frames so far, code, light, received ms].
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.support import codes

Row = Sequence[float]
PRESENTED, EXPECTED, RTP, COUNT, CODE, LIGHT, RECEIVED = range(7)
TICK = 3000  # of the programme's RTP clock, at 30 pictures a second


def wanted(rows: Sequence[Row]) -> int:
    """How many pictures the programme had between the first row and the last, by its own RTP clock."""
    return round((int(rows[-1][RTP] - rows[0][RTP]) % (1 << 32)) / TICK)


def presented(rows: Sequence[Row]) -> int:
    """How many of them the browser says it presented."""
    return int(rows[-1][COUNT] - rows[0][COUNT])


def longest_gap(rows: Sequence[Row]) -> float:
    """The longest time between two presented pictures, in ms.

    Where the page was told of one picture too few (its callback came late), the time is shared among them.
    """
    return max(
        (after[PRESENTED] - before[PRESENTED]) / max(1, after[COUNT] - before[COUNT])
        for before, after in pairwise(rows)
    )


def speaker(row: Row) -> int | None:
    """Whose picture it is, by its code."""
    found = codes.read(int(row[CODE]))
    return None if found is None else found[0]


def first_of(rows: Sequence[Row], who: int, after: float) -> float | None:
    """When the first picture of speaker `who` was presented later than `after`, both in the page's ms."""
    return next((row[PRESENTED] for row in rows if row[PRESENTED] > after and speaker(row) == who), None)


@dataclass
class SentLog:
    """When each picture of one speaker's loop of `length` pictures was sent, monotonic seconds."""

    length: int
    times: list[float] = field(default_factory=list)

    def note(self, number: int, at: float) -> None:
        """Take down that picture `number` was sent; a callback for `demo.publisher.play`."""
        assert number == len(self.times), "the publisher counts every picture"
        self.times.append(at)

    def sent(self, index: int, before: float) -> float | None:
        """When the picture with `index` in the loop was last sent before a moment."""
        last = bisect_right(self.times, before) - 1
        number = last - (last - index) % self.length
        return self.times[number] if number >= 0 else None


def delays(rows: Sequence[Row], logs: Sequence[SentLog], offset: float) -> list[float]:
    """From sent to presented in ms, for each picture with a code. Page's ms = monotonic ms + `offset`."""
    found = []
    for row in rows:
        code = codes.read(int(row[CODE]))
        if code is None or code[0] >= len(logs):
            continue
        at = (row[PRESENTED] - offset) / 1000
        sent = logs[code[0]].sent(code[1], at)
        if sent is not None:
            found.append((at - sent) * 1000)
    return found


def flashes(rows: Sequence[Row]) -> list[float]:
    """When the light went on, in the page's ms."""
    return [after[PRESENTED] for before, after in pairwise(rows) if before[LIGHT] < 180 <= after[LIGHT]]


def pairs(lights: Sequence[float], beeps: Sequence[float], within: float = 450.0) -> list[float]:
    """How many ms later than its flash each beep was heard; beeps without a flash near are left out."""
    found = []
    for beep in beeps:
        nearest = min(lights, key=lambda light: abs(light - beep), default=None)
        if nearest is not None and abs(beep - nearest) <= within:
            found.append(beep - nearest)
    return found
