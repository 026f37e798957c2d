"""(P) What one viewer's line carries, and which rendition it therefore gets.

The evidence is transport-cc feedback: when each packet arrived. All packets of a picture leave at once, so:
- what the first packet of a picture waited, beyond the least ever seen, is the queue that stands in the line;
- how far the last packets of a picture arrive behind the first ones tells what the line carries;
- packets that are lost by chance are not evidence, until they are many.

Down at once when a queue stands, pictures come too slowly, or too many packets are lost. Up after a probe:
padding beside the smaller rendition, more and more of it, until the larger one's rate has gone through
without a queue, or a queue begins. So nobody's picture freezes for trying. A larger one that does not hold
makes the next tries rarer. Without feedback (a player that knows no transport-cc), reports of loss lead down,
and up goes a rare try.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from broadcast.outputs.resends import ROUND_TRIP

QUEUE = 0.2  # seconds that pictures wait in the line: more, for as long as the patience, and it is too thin
SLOW_SPAN = 0.25  # seconds from a picture's first packet to its last that make one look at its rate ...
SLOW_PACKETS = 6  # ... if it has so many
SLOW_SHARE = 0.9  # of the rendition's rate, below which the line is too thin for it
LOSS = 0.15  # share of packets lost in WINDOW
LOSS_PACKETS = 30  # of fewer, the share says nothing
WINDOW = 1.0  # seconds
GRACE = 1.5  # seconds after a change in which there is no other: what was sent before must drain
PROBE_AFTER = 5.0  # seconds on a smaller rendition until the first probe, and from one to the next ...
PROBE_MOST = 60.0  # ... or up to so many, doubled each time a larger one did not hold ...
HELD = 10.0  # ... for so many seconds
PROBE_QUEUE = 0.06  # seconds: a queue that ends a probe
PROBE_STEP = 0.2  # seconds in which the padding grows by ...
PROBE_GROWTH = 1.25  # times, from half the smaller one's rate
PROBE_HOLD = 0.5  # seconds at the full rate until a probe has passed
PROBE_SHARE = 0.75  # of that rate that must have arrived
PROBE_SILENCE = 0.6  # seconds without feedback: the probe is given up
THIN_FOR = 4.5  # seconds for which a picture that came slowly forbids a probe
TRAIN = 8  # packets of a picture that tell what the line carries, by its second half
BASE_FOR = 10.0  # seconds: the least delay is that of two such spans, so that it follows a change of route
LISTEN = 6.0  # seconds of feedback from joining, and from each sign of trouble; then none is asked for
DEAF_REPORTS = 2  # reports of loss in a row that lead down where there is no feedback
DEAF_TRY = 30.0  # seconds until the first try up there
DEAF_MOST = 300.0


class Came(NamedTuple):
    """One packet that arrived: `sent` on our clock, `arrived` on the viewer's, seconds; `size` in bytes."""

    sent: float
    arrived: float
    size: int


@dataclass(slots=True)
class Picture:
    """What left at one moment, as far as it has arrived."""

    first: float
    last: float
    waited: float  # arrived less sent, of the first
    sizes: list[int]
    times: list[float]


class Line:
    """`rates`: bit/s of each rendition with the sound, the largest first. `patience`: seconds for which a
    queue may stand. `hears`: whether the viewer sends feedback. Memory: a second of figures."""

    def __init__(
        self, rates: Sequence[int], now: float, *, patience: float = 0.4, hears: bool = True
    ) -> None:
        self.index = 0  # of the rendition that it gets
        self._rates = tuple(rates)
        self._patience = patience
        self.hears = hears
        self._changed = now - GRACE  # nothing was sent before that had to drain
        self._listen_until = now + LISTEN
        self._heard = now  # when feedback came last
        self._bases: list[tuple[float, float]] = []  # least delay, since when: at most two spans
        self._busy: float | None = None  # since when a queue has stood
        self._losing: float | None = None
        self._pictures: dict[float, Picture] = {}
        self._window: deque[tuple[float, int, int, int]] = deque()  # at, bits, packets that came, lost
        self._slow_at: float | None = None  # when a picture came too slowly for anything larger
        self._too_slow = False
        self._probe: float | None = None  # since when
        self._full: float | None = None  # since when the probe has been at the full rate
        self._padded = now
        self._next_try = now
        self._tried = False  # whether it came up to where it is
        self._interval = PROBE_AFTER if hears else DEAF_TRY
        self._bad_reports = 0
        self._round_trip: float | None = None  # the shortest
        self._queue = 0.0  # seconds that pictures waited of late

    # -- what comes in -----------------------------------------------------------------------------------

    def arrivals(self, now: float, came: Sequence[Came], lost: int) -> None:
        """One message of feedback. `lost` is below 0 where packets came that had seemed lost."""
        self._heard = now
        began = [self._put(each) for each in came]
        self._window.append((now, 8 * sum(each.size for each in came), len(came), lost))
        while self._window[0][0] < now - WINDOW:
            self._window.popleft()
        waits = [picture.waited for picture in began if picture is not None]
        if waits:
            self._wait(min(waits), now)
        while len(self._pictures) > 16:
            del self._pictures[next(iter(self._pictures))]
        share, packets = self._loss()
        losing = share > LOSS and packets >= LOSS_PACKETS
        self._losing = (self._losing or now) if losing else None
        if losing or share > 0.03:
            self.trouble(now)

    def trouble(self, now: float) -> None:
        """A sign that all may not be well: feedback is asked for again."""
        self._listen_until = now + LISTEN

    def report(self, now: float, loss: float, round_trip: float | None) -> None:
        """A receiver report: the share of packets lost since the last, and seconds."""
        if round_trip is not None:
            self._round_trip = min(self._round_trip or round_trip, round_trip)
            if round_trip > self._round_trip + QUEUE:
                self.trouble(now)
        if loss > 0.03:
            self.trouble(now)
        self._bad_reports = self._bad_reports + 1 if loss > LOSS else 0

    def changed(self, index: int, now: float) -> None:
        """The viewer gets this rendition from now on."""
        if index > self.index:
            failed = self._tried and now - self._changed < HELD
            least, most = (PROBE_AFTER, PROBE_MOST) if self.hears else (DEAF_TRY, DEAF_MOST)
            self._interval = min(most, 2 * self._interval) if failed else least
        self._tried = index < self.index
        self.index = index
        self._changed = now
        self._next_try = now + self._interval
        self._busy = self._losing = self._probe = None
        self._too_slow = False
        self._bad_reports = 0
        self._pictures.clear()
        self._window.clear()
        self.trouble(now)

    # -- what follows ------------------------------------------------------------------------------------

    def listening(self, now: float) -> bool:
        """Whether packets should bear the number that makes the viewer send feedback."""
        return self.hears and (self.index > 0 or now < self._listen_until)

    def choose(self, now: float) -> int:
        """The rendition that this line should get: its index."""
        last = len(self._rates) - 1
        if now - self._changed < GRACE:
            return self.index
        if self.index < last and self._too_thin(now):
            return self._fitting()
        if self.index == 0:
            return 0
        if not self.hears:
            return self.index - 1 if now >= self._next_try else self.index
        return self.index - 1 if self._passed(now) else self.index

    def padding(self, now: float) -> int:
        """Bytes of padding to send now; asked with each picture while `listening` on a smaller rendition."""
        elapsed, self._padded = min(0.1, now - self._padded), now
        if self._probe is None and self._may_probe(now):
            self._probe, self._full = now, None
        if self._probe is None:
            return 0
        if now - self._heard > PROBE_SILENCE:
            self._give_up(now)
            return 0
        small, large = self._rates[self.index], self._rates[self.index - 1]
        rate = 0.5 * small * PROBE_GROWTH ** ((now - self._probe) / PROBE_STEP)
        most = large - 0.5 * small
        if rate >= most:
            rate = most
            self._full = self._full or now
        return int(rate * elapsed / 8)

    @property
    def probing(self) -> bool:
        return self._probe is not None

    @property
    def round_trip(self) -> float:
        """Seconds until an answer that leaves now can have been heard of, with the queue as it was."""
        return (self._round_trip or ROUND_TRIP) + self._queue

    # -- inside ------------------------------------------------------------------------------------------

    def _put(self, each: Came) -> Picture | None:
        """The picture, if this packet is the first of it that arrived."""
        picture = self._pictures.get(each.sent)
        if picture is None:
            picture = Picture(
                each.arrived, each.arrived, each.arrived - each.sent, [each.size], [each.arrived]
            )
            self._pictures[each.sent] = picture
            return picture
        picture.last = max(picture.last, each.arrived)
        picture.sizes.append(each.size)
        picture.times.append(each.arrived)
        self._weigh(picture)
        return None

    def _weigh(self, picture: Picture) -> None:
        """What a picture's packets say of the rate: all of them of what it gets, unless it was one stall that
        held them up; and the second half, which no bucket of tokens lets pass unseen, of the next larger."""
        count, span = len(picture.times), picture.last - picture.first
        if count >= SLOW_PACKETS and span >= SLOW_SPAN:
            gap = median(after - before for before, after in pairwise(sorted(picture.times)))
            rate = 8 * sum(picture.sizes[1:]) / span
            trickles = gap * (count - 1) > 0.5 * span
            self._too_slow |= trickles and rate < SLOW_SHARE * self._rates[self.index]
        if self.index and count >= TRAIN:
            half = count // 2
            tail = max(picture.times[half:]) - picture.times[half - 1]
            if tail > 0 and 8 * sum(picture.sizes[half:]) / tail < 0.5 * self._rates[self.index - 1]:
                self._slow_at = self._heard

    def _wait(self, waited: float, now: float) -> None:
        """The first packets of some pictures waited at least so long."""
        if not self._bases or now - self._bases[-1][1] > BASE_FOR:
            self._bases = [*self._bases[-1:], (waited, now)]
        elif waited < self._bases[-1][0]:
            self._bases[-1] = (waited, self._bases[-1][1])
        self._queue = queue = waited - min(least for least, _ in self._bases)
        if queue > QUEUE:
            self._busy = self._busy if self._busy is not None else now
            self.trouble(now)
        else:
            self._busy = None
        if self._probe is not None and queue > PROBE_QUEUE:
            self._give_up(now)

    def _loss(self) -> tuple[float, int]:
        lost = max(0, sum(each[3] for each in self._window))
        packets = lost + sum(each[2] for each in self._window)
        return (lost / packets if lost else 0.0), packets

    def _too_thin(self, now: float) -> bool:
        if not self.hears:
            return self._bad_reports >= DEAF_REPORTS
        stands = self._busy is not None and now - self._busy >= self._patience
        loses = self._losing is not None and now - self._losing >= self._patience
        return self._too_slow or stands or loses

    def _fitting(self) -> int:
        """The largest rendition that what arrived of late would carry, at least one step down."""
        bits = sum(each[1] for each in self._window) if self.hears else self._rates[0]
        smaller = range(self.index + 1, len(self._rates))
        return next((each for each in smaller if self._rates[each] < bits / WINDOW), smaller[-1])

    def _may_probe(self, now: float) -> bool:
        thin = self._slow_at is not None and now - self._slow_at < THIN_FOR
        return self.hears and self.index > 0 and now >= self._next_try and not thin and self._busy is None

    def _passed(self, now: float) -> bool:
        if self._probe is None or self._full is None or now - self._full < PROBE_HOLD:
            return False
        since = self._full + 0.1  # feedback lags
        bits = sum(each[1] for each in self._window if each[0] >= since)
        if self._loss()[0] > LOSS or bits < PROBE_SHARE * self._rates[self.index - 1] * (now - since):
            self._give_up(now)
            return False
        return True

    def _give_up(self, now: float) -> None:
        self._probe = None
        self._next_try = now + self._interval
