"""A fan-out in memory: peers without sockets, a clock moved by hand."""

from collections.abc import Callable

from broadcast.outputs.fanout import Fanout
from broadcast.rtp.depacketise import depacketiser
from broadcast.rtp.frame import Codec, Frame
from broadcast.rtp.packet import parse, sequence_delta
from broadcast.transport.sdp import Negotiated
from tests.support.rtp import Clock, FakePeer, FakePort, picture, track

VIDEO, AUDIO = 106, 109


class Hall:
    """A fan-out with a clock moved by hand, and calls put off to the next turn."""

    def __init__(self, **settings: object) -> None:
        self.clock, self.port = Clock(), FakePort()
        self.later: list[Callable[[], None]] = []
        self.asked: list[float] = []
        self.fanout = Fanout(
            self.port,  # type: ignore[arg-type]
            clock=self.clock,
            wall=lambda: self.clock() + 1e9,
            defer=self.later.append,
            **settings,  # type: ignore[arg-type]
        )
        self.fanout.on_keyframe_needed = lambda name: self.asked.append(self.clock())
        self.count = 0

    def viewer(self, name: str, *, video: int = VIDEO, connected: bool = True, **changes: object) -> FakePeer:
        """A viewer with these payload types."""
        changes.setdefault("extensions", {})
        tracks = (track(Codec.H264, video, **changes), track(Codec.OPUS, AUDIO, **changes))
        peer = FakePeer(Negotiated(*tracks), id=name, state="connected" if connected else "new")
        self.fanout.add_viewer(peer)  # type: ignore[arg-type]
        return peer

    def frame(self, *, key: bool = False, size: int = 3000) -> Frame:
        """The programme's next picture goes out, a thirtieth later."""
        self.clock.now += 1 / 30
        made = picture(self.count, key=key, size=size)
        frame = Frame(made.codec, made.data, made.timestamp, self.clock(), key)
        self.count += 1
        self.fanout.send(frame)
        return frame

    def turn(self) -> None:
        """One more turn of the event loop."""
        calls, self.later[:] = list(self.later), []
        for call in calls:
            call()


def pictures(peer: FakePeer) -> list[bytes]:
    """What the viewer's decoder gets, and that no number is missing."""
    reader, found, last = depacketiser(Codec.H264), [], None
    for packet in map(parse, peer.rtp):
        if packet.payload_type != AUDIO:
            assert last is None or sequence_delta(packet.sequence, last) == 1
            last = packet.sequence
            found += [unit.data for unit in reader.push(packet, 0.0, False)]
    return found
