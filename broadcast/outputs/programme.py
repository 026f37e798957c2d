"""The programme as feeds of frames, one a rendition, for every output that takes frames.

`programme` is the full one, `programme.360p` a smaller one. Each has the programme's sound as well, so an
output that takes one feed has all it needs; `programme.aac` is that sound again as AAC packets, for outputs
that cannot use Opus. Timestamps agree from one feed to the other; keyframes at
multiples of the interval come in all of them at the same timestamps, forced ones in one alone.
"""

import logging
from collections.abc import Callable, Sequence

from broadcast.rtp.frame import Frame, Kind

log = logging.getLogger(__name__)

FULL = "programme"
AAC = "programme.aac"
Sink = Callable[[Frame], None]


class Programme:
    """`renditions` are the names of the smaller ones ("360p"), larger ones first. A sink is called in the
    event loop's turn in which the frame came, and must not wait; one that fails does not harm the others."""

    def __init__(self, renditions: Sequence[str] = ()) -> None:
        self.renditions = tuple(renditions)
        self.feeds = (FULL, *(f"{FULL}.{name}" for name in renditions))
        self._sinks: dict[str, tuple[Sink, ...]] = dict.fromkeys((*self.feeds, AAC), ())

    def attach(self, sink: Sink, feed: str = FULL) -> Callable[[], None]:
        """`sink` gets the feed's frames from now on; the returned call ends that. Raises KeyError for a feed
        that is neither in `feeds` nor `AAC`."""
        self._sinks[feed] = (*self._sinks[feed], sink)

        def detach() -> None:
            self._sinks[feed] = tuple(each for each in self._sinks[feed] if each is not sink)

        return detach

    def send(self, frame: Frame) -> None:
        """A picture of the full rendition, or a packet of sound."""
        for feed in self.feeds if frame.kind is Kind.AUDIO else (FULL,):
            self._hand_on(feed, frame)

    def send_rendition(self, name: str, frame: Frame) -> None:
        """A picture of a smaller rendition. One that is not known here is left out."""
        feed = f"{FULL}.{name}"
        if feed in self._sinks:
            self._hand_on(feed, frame)

    def send_aac(self, frame: Frame) -> None:
        """A packet of the sound as AAC."""
        self._hand_on(AAC, frame)

    def _hand_on(self, feed: str, frame: Frame) -> None:
        for sink in self._sinks[feed]:
            try:
                sink(frame)
            except Exception:
                log.exception("an output of %s failed", feed)
