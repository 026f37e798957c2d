"""The numbers of one viewer's picture packets, over all renditions that it has been given.

Each rendition numbers its packets for everybody. Who changes from one to another must see no hole and no
number twice, so from then on the new rendition's numbers are shifted for it. The spans between such changes
are kept, because what is sent again must be the very bytes of the first time, and feedback names packets by
number.
"""

from collections import deque
from typing import NamedTuple

from broadcast.outputs.stream import Face
from broadcast.rtp.packet import sequence_delta

SPANS = 160  # a probe is some 50 of two each; what is asked for again is newer than that
PAD = -1  # in place of a rendition
KEPT = 1 << 14  # packets: more than history has, less than half of all numbers


class Span(NamedTuple):
    """From number `first` on: packets of the rendition with this index under this face; or padding, whose
    `timestamp` and moment (`sent`, monotonic seconds) are here."""

    first: int
    rendition: int
    face: Face
    timestamp: int = 0
    sent: float = 0.0


class Numbering:
    """One viewer's. At most SPANS spans; the oldest are forgotten."""

    def __init__(self) -> None:
        self._spans: deque[Span] = deque(maxlen=SPANS)
        self._since = 0  # the number of the first packet of the rendition that it gets

    def begin(self, span: Span) -> None:
        """From this number on it gets another rendition."""
        self._since = span.first
        self.note(span)

    def note(self, span: Span) -> None:
        """From this number on. A span without a packet in it is replaced by the next."""
        if self._spans and self._spans[-1].first == span.first:
            self._spans.pop()
        self._spans.append(span)

    def come_round(self, next: int) -> None:
        """Numbers have 16 bits: what began long ago moves up before it looks as if it were still to come, and
        older spans are forgotten. `next` is the viewer's next number; call it each KEPT packets at least."""
        recent = (next - KEPT // 2) & 0xFFFF
        if sequence_delta(next, self._since) > KEPT:
            self._since = recent
        span = self._spans[-1]
        if sequence_delta(next, span.first) > KEPT:
            self._spans.clear()
            self._spans.append(span._replace(first=recent))

    def current(self, sequence: int) -> bool:
        """Whether the packet with this number is of the rendition that it gets, and not from before that."""
        return sequence_delta(sequence, self._since) >= 0

    def find(self, sequence: int) -> Span | None:
        """Where the packet with this number belongs; None if that was before what is remembered."""
        for span in reversed(self._spans):
            if sequence_delta(sequence, span.first) >= 0:
                return span
        return None
