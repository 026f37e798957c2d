"""A feed: one stream of encoded frames with one owner and one clock. Cameras, shared screens and clips.

A subclass hands on whole frames with `emit`; the base class gives them to everybody attached, measures the
feed's health and cuts them into packets for the backstage relay. All in the event loop's thread.
"""

from collections.abc import Callable
from itertools import count

from broadcast.feeds.meter import FeedHealth, Meter
from broadcast.rtp.frame import Codec, Frame, Kind
from broadcast.rtp.packet import Packet, parse
from broadcast.rtp.packetise import Packetiser

__all__ = ["Detach", "Feed", "FeedHealth", "FrameSink", "PacketSink"]

FrameSink = Callable[[Frame], None]
# Gets packets in order and without holes: the publisher's own would carry its probes and losses along. Their
# sequence numbers, timestamps and payload types are the feed's own; the relay rewrites them.
PacketSink = Callable[[Kind, Packet], None]
Detach = Callable[[], None]


class Feed:
    """Base of all feeds. `kind`: "camera", "slides", "clip" or "talkback"; `owner`: a person's id, or ""."""

    def __init__(self, id: str, *, owner: str = "", kind: str = "camera") -> None:
        self.id = id
        self.owner = owner
        self.kind = kind
        self.closed: str | None = None  # the reason, once closed
        self.on_closed: list[Callable[[str], None]] = []  # each called once with the reason
        self._frame_sinks: dict[int, FrameSink] = {}
        self._packet_sinks: dict[int, PacketSink] = {}
        self._tickets = count()
        self._packetisers: dict[Kind, Packetiser] = {}
        self._newest: dict[Kind, Frame] = {}
        self._meter = Meter(id, owner, kind)

    def attach(self, sink: FrameSink) -> Detach:
        """`sink` gets every whole frame from now on; the returned call ends that. A sink must not block."""
        ticket = next(self._tickets)
        self._frame_sinks[ticket] = sink

        def detach() -> None:
            self._frame_sinks.pop(ticket, None)

        return detach

    def attach_packets(self, sink: PacketSink) -> Detach:
        """`sink` gets the frames as RTP packets, their content untouched; the returned call ends that."""
        ticket = next(self._tickets)
        self._packet_sinks[ticket] = sink

        def detach() -> None:
            self._packet_sinks.pop(ticket, None)

        return detach

    def codecs(self) -> tuple[Codec | None, Codec | None]:
        """The codecs of picture and sound, as known before the first frame; None: the feed has none."""
        return Codec.H264, Codec.OPUS

    def captured(self, kind: Kind, timestamp: int) -> float | None:
        """When the packets with this 32-bit RTP timestamp were captured, on our clock; None: not known."""
        frame = self._newest.get(kind)
        if frame is None:
            return None
        behind = ((frame.timestamp - timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        return frame.captured - behind / frame.codec.clock_rate

    def request_keyframe(self) -> None:
        """Ask the source for a keyframe soon. Does nothing where keyframes come by themselves (clips);
        a subclass that can ask does so, and limits how often."""

    def health(self, now: float) -> FeedHealth:
        """How the feed does at `now` (monotonic seconds)."""
        return self._meter.health(now, loss=0.0, rtt=None, level=None)

    def silence(self, now: float) -> float:
        """Seconds since the source has given any sign of life, be it no picture; 0 where it cannot tell."""
        return 0.0

    def close(self, reason: str = "closed") -> None:
        """End the feed. Idempotent: sinks are let go, `on_closed` is told once. A subclass releases what
        it holds and calls this."""
        if self.closed is not None:
            return
        self.closed = reason
        self._frame_sinks.clear()
        self._packet_sinks.clear()
        callbacks, self.on_closed = self.on_closed, []
        for callback in callbacks:
            callback(reason)

    def emit(self, frame: Frame, now: float) -> None:
        """A subclass has a whole frame; `now` is the monotonic time of handing it on."""
        if self.closed is not None:
            return
        self._meter.frame(frame, now)
        self._newest[frame.kind] = frame
        for sink in tuple(self._frame_sinks.values()):
            sink(frame)
        if self._packet_sinks:
            self._packetise(frame)

    def _packetise(self, frame: Frame) -> None:
        packetiser = self._packetisers.get(frame.kind)
        if packetiser is None:
            packetiser = self._packetisers[frame.kind] = Packetiser(0, 0)
        for data in packetiser.packets(frame):
            packet = parse(data)
            for sink in tuple(self._packet_sinks.values()):
                sink(frame.kind, packet)
